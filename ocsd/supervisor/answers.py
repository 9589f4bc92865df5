"""The answers that the table of transitions may give to an event in a state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ocsd.supervisor.events import State


@dataclass(frozen=True, slots=True)
class Moment:
    """The facts from outside that a decision may use: the time [s], and a number from -1 to 1."""

    now_s: float
    jitter: float


@dataclass(frozen=True, slots=True)
class Rule:
    """The event has an effect.

    `decide` takes the `Lifecycle`, an event that the table gives it, and the `Moment`; it returns
    the next `Lifecycle` and the actions. It chooses from the states `leads_to`; none if the state
    stays.
    """

    decide: Callable[[Any, Any, Moment], Any]
    leads_to: tuple[State, ...] = ()


@dataclass(frozen=True, slots=True)
class Ignored:
    """The event changes nothing, because it can come late or has no meaning here."""

    why: str


@dataclass(frozen=True, slots=True)
class Impossible:
    """The event cannot occur in this state."""

    why: str


Answer = Rule | Ignored | Impossible
