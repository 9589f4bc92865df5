"""The progress of a request for a target."""

from enum import Enum, auto

from ocsd.supervisor.events import State, Target
from ocsd.supervisor.lifecycle import Lifecycle


class Outcome(Enum):
    """The progress of a request, as far as it can be known now."""

    PENDING = auto()
    REACHED = auto()
    WILL_NOT = auto()
    """The target will not be reached without further help."""


def outcome(wanted: Target, life: Lifecycle) -> Outcome:
    """Return the progress of a request for a target, after which the instance's state is `life`.

    An instance that waits for another try has not come up: the request need not wait for that.
    """
    if life.target is not wanted:
        return Outcome.WILL_NOT
    match wanted, life.state:
        case (Target.UP, State.UP) | (Target.DOWN, State.DOWN):
            return Outcome.REACHED
        case (Target.DOWN, _) | (_, State.STARTING | State.STOPPING):
            return Outcome.PENDING
        case _:
            return Outcome.WILL_NOT
