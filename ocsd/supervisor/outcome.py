"""Whether what an operator asked for has come about."""

from typing import assert_never

from ocsd.supervisor.events import State, Target
from ocsd.supervisor.lifecycle import Lifecycle


def outcome(wanted: Target, life: Lifecycle) -> bool | None:
    """Tell how a request stands.

    Parameters
    ----------
    wanted : Target
        What was asked for; a restart wants ``up``.
    life : Lifecycle
        Where the instance stands after the request.

    Returns
    -------
    bool or None
        True once it came about, False once it will not without further help,
        None while it may. An instance that waits for another try has not come
        up: whoever asked need not wait for that.
    """
    if life.target is not wanted:
        return False
    if wanted is Target.DOWN:
        return life.state is State.DOWN or None
    match life.state:
        case State.UP:
            return True
        case State.STARTING | State.STOPPING:
            return None
        case State.DOWN | State.BACKOFF | State.FAILED:
            return False
        case other:
            assert_never(other)
