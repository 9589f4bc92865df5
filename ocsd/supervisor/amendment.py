"""The effect of a changed entry in the site file on its instance."""

from enum import StrEnum

from ocsd.supervisor.events import State, Target
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.supervisor.wish import Cause, Wish


class Effect(StrEnum):
    """The effect of a changed entry, in the words that operators see."""

    STARTS = "starts"
    ENDS = "ends"
    RESTARTS = "restarts"
    GOES_ON = "goes on"
    STAYS_DOWN = "stays down"


def effect(life: Lifecycle, wish: Wish, fresh: bool) -> Effect:
    """Return the effect of a changed entry on an instance, whose target is now `wish`.

    An instance that waits for another try, or has failed, is tried at once, whatever changed.
    `fresh` says whether only a fresh process learns of the change.
    """
    if wish.cause is Cause.ENDED:
        return Effect.STAYS_DOWN
    if wish.target is Target.UP and not (life.has_process and life.target is Target.UP):
        return Effect.STARTS
    if wish.target is Target.UP:
        return Effect.RESTARTS if fresh else Effect.GOES_ON
    return Effect.STAYS_DOWN if life.state is State.DOWN else Effect.ENDS
