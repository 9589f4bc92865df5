"""The vocabulary of the state machine: states, events and actions."""

import signal
from dataclasses import dataclass, field

from ocsd.supervisor.policy import RestartPolicy
from ocsd.supervisor.states import State as State  # part of this vocabulary
from ocsd.supervisor.states import Target as Target


@dataclass(frozen=True, slots=True)
class UpRequested:
    """The instance is wanted to run: `by` a person, or by ocsd itself if that is empty."""

    by: str = ""


@dataclass(frozen=True, slots=True)
class DownRequested:
    """The instance is wanted to end: `by` as above, `why` if there is more to say than that."""

    by: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class RestartRequested:
    """The instance is wanted to end and to run again: `by` as above."""

    by: str = ""


Request = UpRequested | DownRequested | RestartRequested


@dataclass(frozen=True, slots=True)
class BecameReady:
    """The instance joined the realm and its addresses are registered."""


@dataclass(frozen=True, slots=True)
class Adopted:
    """A new daemon found a process of this instance running."""


@dataclass(frozen=True, slots=True)
class BecameHung:
    """A layer of liveness failed, named in `reason`, whose response is a restart."""

    reason: str = "hung"


@dataclass(frozen=True, slots=True)
class CauseCleared:
    """The cause of the last failure seems to be gone: a file, the entry or a device changed."""

    evidence: str = ""
    """The change that was seen."""
    by: str = ""
    """The person who made it by a request to ocsd; empty if it was seen only."""


@dataclass(frozen=True, slots=True)
class Exited:
    """The process ended, or could not be started at all."""

    code: int | None = None
    """Exit code; None if a signal ended it or the code is unknown."""
    signal: int | None = None
    """The signal that ended it."""
    detail: str = ""
    """The last words of the process, e.g. the last line of a traceback."""
    shared: bool = False
    """Whether many instances failed at this time, of one cause: it is not counted against this one,
    and restarts are spread out.
    """


@dataclass(frozen=True, slots=True)
class TimerFired:
    """`Lifecycle.wake_at_s` has come; `reached` if the last signal has been delivered."""

    reached: bool = True


@dataclass(frozen=True, slots=True)
class Configured:
    """The instance's entry in the site file has another ``restart`` from now on."""

    policy: RestartPolicy = RestartPolicy.ALWAYS


@dataclass(frozen=True, slots=True)
class Recalled:
    """A new daemon remembers an end under an earlier one: the target since then, and why."""

    target: Target = Target.DOWN
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EndedUnseen:
    """The process ended while no daemon ran, as the fork server reports."""

    end: Exited = field(default_factory=Exited)


Event = (
    Request
    | BecameReady
    | Adopted
    | BecameHung
    | CauseCleared
    | Exited
    | TimerFired
    | Configured
    | Recalled
    | EndedUnseen
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
    """Record the activity of the hung process before it is killed."""

    reason: str


Action = Spawn | Signal | Examine


class IllegalTransitionError(Exception):
    """An event arrived that cannot occur in this state: a defect of ocsd."""


def exited(code: int) -> Exited:
    """Return the end of a process by its exit code, or by the negative number of a signal."""
    return Exited(signal=-code) if code < 0 else Exited(code)


def end_reason(event: Exited) -> str:
    """Return the words for the end of a process."""
    if event.signal is not None:
        try:
            name = signal.Signals(event.signal).name
        except ValueError:
            name = f"signal {event.signal}"
        how = f"killed by {name}"
    elif event.code is not None:
        how = f"ended with exit code {event.code}"
    else:
        how = "ended, cause unknown"
    return ": ".join(filter(None, (how, event.detail)))
