"""What can happen to an instance, and what can be done about it."""

import signal
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What an instance is doing, in the words that operators see."""

    DOWN = "down"
    STARTING = "starting"
    UP = "up"
    STOPPING = "stopping"
    BACKOFF = "backoff"
    FAILED = "failed"


class Target(StrEnum):
    """What the operator wants."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class UpRequested:
    """Somebody wants the instance to run.

    Attributes
    ----------
    by : str
        Who; empty for ocsd itself.
    """

    by: str = ""


@dataclass(frozen=True, slots=True)
class DownRequested:
    """Somebody wants the instance to end.

    Attributes
    ----------
    by : str
        Who; empty for ocsd itself.
    why : str
        What for; empty if that is all they want.
    """

    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class RestartRequested:
    """Somebody wants the instance to end and to run again.

    Attributes
    ----------
    by : str
        Who; empty for ocsd itself.
    """

    by: str = ""


@dataclass(frozen=True, slots=True)
class BecameReady:
    """The instance joined the realm and its addresses are registered."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """A process of this instance was found running by a new daemon."""


@dataclass(frozen=True, slots=True)
class BecameHung:
    """A layer of liveness failed for which the instance's entry asks for a restart.

    Attributes
    ----------
    reason : str
        Which layer, and since when.
    """

    reason: str = "hung"


@dataclass(frozen=True, slots=True)
class CauseCleared:
    """What the instance failed of seems to be over: its file, its entry or its device changed.

    Attributes
    ----------
    evidence : str
        What was seen.
    by : str
        Who brought that about by asking for it; empty if nobody did.
    """

    evidence: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Exited:
    """The process ended, or could not be started at all.

    Attributes
    ----------
    code : int or None
        Exit code; None if a signal ended it or nobody could tell.
    signal : int or None
        The signal that ended it.
    detail : str
        What the process last said of itself, e.g. the last line of a traceback.
    shared : bool
        Whether many instances failed at this time, of one cause: it is not
        counted against this one, and restarts are spread out.
    """

    code: int | None = None
    signal: int | None = None
    detail: str = ""
    shared: bool = False


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The moment `Lifecycle.wake_at_s` has come."""


Event = (
    UpRequested
    | DownRequested
    | RestartRequested
    | BecameReady
    | Adopted
    | BecameHung
    | CauseCleared
    | Exited
    | TimerFired
)


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start the instance's process."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Send a signal to the instance's process group."""

    number: signal.Signals


@dataclass(frozen=True, slots=True)
class Examine:
    """Put on record what the hung process is doing, before it is killed."""

    reason: str


Action = Spawn | Signal | Examine


class IllegalTransitionError(Exception):
    """An event arrived that cannot occur in this state: a defect of ocsd."""


def exited(code: int) -> Exited:
    """Return the end of a process by its exit code, or by the negative number of a signal."""
    if code < 0:
        return Exited(signal=-code)
    return Exited(code)


def end_reason(event: Exited) -> str:
    """Return the words for how a process ended."""
    if event.signal is not None:
        try:
            name = signal.Signals(event.signal).name
        except ValueError:
            name = f"signal {event.signal}"
        how = f"killed by {name}"
    elif event.code is not None:
        how = f"ended with exit code {event.code}"
    else:
        how = "ended, nobody knows how"
    return f"{how}: {event.detail}" if event.detail else how
