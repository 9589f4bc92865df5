"""Bringing what is held at a router into line with what is wanted there.

The same for subscriptions and for registrations: `Mirror` says what to request and what to give
up. Requests are answered later, and may be refused.
"""

from collections.abc import Hashable, Iterable, Mapping
from typing import Final, Generic, NamedTuple, TypeVar

REFUSED_RETRY_S: Final = 2.0
"""Delay before what a router has refused is requested again [s]."""

Key = TypeVar("Key", bound=Hashable)


class Refusal(NamedTuple):
    """A request that the router has refused."""

    reason: str
    """Words for the operator."""
    retry_s: float
    """When it is made again [s, monotonic]."""


class Due(NamedTuple, Generic[Key]):
    """The requests to make now."""

    take: tuple[Key, ...]
    give_up: tuple[tuple[Key, int], ...]
    """With the number under which the router knows each."""


class Mirror(Generic[Key]):
    """The subscriptions, or the registrations, that are wanted at a router."""

    def __init__(self) -> None:
        self.wanted: frozenset[Key] = frozenset()
        self._held: dict[Key, int] = {}
        self._asked: set[Key] = set()
        self._refused: dict[Key, Refusal] = {}

    @property
    def refusals(self) -> Mapping[Key, str]:
        """What is wanted and was refused, and why."""
        return {key: each.reason for key, each in self._refused.items()}

    @property
    def count(self) -> int:
        """Number of those that are held."""
        return len(self._held)

    def want(self, keys: Iterable[Key]) -> None:
        """Set what is wanted."""
        self.wanted = frozenset(keys)
        for key in self._refused.keys() - self.wanted:
            del self._refused[key]

    def due(self, now_s: float) -> Due[Key]:
        """Return the requests to make at a time [s, monotonic]; they count as made."""
        waits = {key for key, each in self._refused.items() if each.retry_s > now_s}
        take = self.wanted - self._held.keys() - self._asked - waits
        give_up = {key: number for key, number in self._held.items() if key not in self.wanted}
        self._asked |= take
        for key in give_up:
            del self._held[key]
        return Due(tuple(sorted(take, key=str)), tuple(give_up.items()))

    def granted(self, key: Key, number: int) -> None:
        """Note that the router has granted a request, under a number."""
        self._asked.discard(key)
        self._refused.pop(key, None)
        self._held[key] = number

    def refuse(self, key: Key, reason: str, now_s: float) -> None:
        """Note that the router has refused a request, and why."""
        self._asked.discard(key)
        if key in self.wanted:
            self._refused[key] = Refusal(reason, now_s + REFUSED_RETRY_S)

    def taken_away(self, number: int, reason: str, now_s: float) -> None:
        """Note that the router has taken one away that it had granted."""
        for key, held in list(self._held.items()):
            if held == number:
                del self._held[key]
                self.refuse(key, reason, now_s)

    def lost(self) -> None:
        """Forget what was held and asked: the router is gone. What is wanted stays."""
        self._held.clear()
        self._asked.clear()
        self._refused.clear()
