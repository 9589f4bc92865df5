"""What becomes of an instance whose entry in the site file has changed."""

from enum import StrEnum

from ocsd.supervisor.events import State, Target
from ocsd.supervisor.lifecycle import Lifecycle


class Effect(StrEnum):
    """What a changed entry does to an instance, in the words that operators see."""

    STARTS = "starts"
    ENDS = "ends"
    RESTARTS = "restarts"
    GOES_ON = "goes on"
    STAYS_DOWN = "stays down"


def effect(life: Lifecycle, wanted: Target, anew: bool) -> Effect:
    """Return what becomes of an instance.

    What waits for another try, or has failed for good, is tried at once, whatever changed.

    Parameters
    ----------
    life : Lifecycle
        Where it stands.
    wanted : Target
        What is wanted of it from now on.
    anew : bool
        Whether a process of it has to be started anew to learn of the change.
    """
    if wanted is Target.DOWN:
        return Effect.STAYS_DOWN if life.state is State.DOWN else Effect.ENDS
    if life.has_process and life.target is Target.UP:
        return Effect.RESTARTS if anew else Effect.GOES_ON
    return Effect.STARTS
