"""The lines of the daemon's answer to a change, as values.

A field that the daemon leaves out has the default that stands here, as in `ocsd.status.replies`.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from ocsd.status import activity


class StateChange(NamedTuple):
    """An instance that changed its state."""

    instance_id: str
    state: str = "unknown"
    reason: str | None = None
    at: float | None = None


class Result(NamedTuple):
    """The outcome of a request for one instance."""

    instance_id: str
    ok: bool = False
    state: str = "unknown"
    reason: str | None = None
    took_s: float = 0.0
    timed_out: bool = False


class LeftOut(NamedTuple):
    """An instance that a request for all leaves as it is."""

    instance_id: str
    reason: str = ""


class Notice(NamedTuple):
    """A warning about a request that is carried out."""

    text: str = ""


class Stopped(NamedTuple):
    """The host has ended everything; its daemon ends now."""

    took_s: float = 0.0


Event = StateChange | Result | LeftOut | Notice | Stopped

Line: TypeAlias = tuple[dict[str, Any], Event | None]
"""A line of a streamed answer, as it came and as a value."""

_KINDS: dict[str, type[Event]] = {
    "transition": StateChange,
    "result": Result,
    "left_out": LeftOut,
    "notice": Notice,
    "stopped": Stopped,
}


def event(line: Mapping[str, Any]) -> Event | None:
    """Return one line of a streamed answer as a value; None if its kind is not known here."""
    kind = _KINDS.get(str(line.get("event")))
    if kind is None:
        return None
    return kind(**activity.known(kind, line))
