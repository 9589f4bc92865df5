"""The limit of logins: a few tries at once, then one now and then, for each person and address.

Every try takes a token from four buckets, which fill again with time: that of the name from this
address, that of the address, that of the name from anywhere, and that of everybody. The first one
alone is small, so nobody locks another person out from elsewhere. The last one keeps the router, if
it is asked, from closing its door to all of this host for too many failures.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

MOST_BUCKETS: Final = 20_000
"""Number of buckets that are kept; the oldest ones go."""


class TryLimit(NamedTuple):
    """The tries that a bucket allows."""

    at_once: float
    """Number of tries at once."""
    each_s: float
    """Time after which another one is allowed [s]."""


OF_NAME_HERE: Final = TryLimit(5, 12.0)
OF_ADDRESS: Final = TryLimit(20, 3.0)
OF_NAME: Final = TryLimit(60, 2.0)
OF_EVERYBODY: Final = TryLimit(100, 0.2)


class _Bucket(NamedTuple):
    tokens: float
    at_s: float


@dataclass(eq=False)
class LoginAttempts:
    """Counts the tries of everybody."""

    _buckets: dict[tuple[str, str], _Bucket] = field(default_factory=dict)

    def take(self, name: str, address: str, now_s: float) -> float:
        """Count a try at a monotonic time [s]; return 0, or how long to wait before another [s].

        A try that is not allowed takes nothing.
        """
        limits = _limits(name, address)
        filled = {key: self._filled(key, allowed, now_s) for key, allowed in limits.items()}
        wait_s = max((1 - filled[key]) * limits[key].each_s for key in limits)
        if wait_s > 0:
            return wait_s
        for key, tokens in filled.items():
            self._buckets.pop(key, None)
            self._buckets[key] = _Bucket(tokens - 1, now_s)
        while len(self._buckets) > MOST_BUCKETS:
            del self._buckets[next(iter(self._buckets))]
        return 0.0

    def succeeded(self, name: str, address: str) -> None:
        """Forget the tries of a person who has logged in from an address.

        The address gets back this one try only: one person's login allows no tries of others.
        """
        for key in ((name, address), (name, "")):
            self._buckets.pop(key, None)
        for key in (("", address), ("", "")):
            if (bucket := self._buckets.get(key)) is not None:
                self._buckets[key] = bucket._replace(tokens=bucket.tokens + 1)

    def _filled(self, key: tuple[str, str], allowed: TryLimit, now_s: float) -> float:
        bucket = self._buckets.get(key)
        if bucket is None:
            return allowed.at_once
        return min(allowed.at_once, bucket.tokens + (now_s - bucket.at_s) / allowed.each_s)


def _limits(name: str, address: str) -> dict[tuple[str, str], TryLimit]:
    return {
        (name, address): OF_NAME_HERE,
        ("", address): OF_ADDRESS,
        (name, ""): OF_NAME,
        ("", ""): OF_EVERYBODY,
    }
