"""The rules of supervision: pure, without processes, clocks or a reactor.

`lifecycle` is the state machine of one instance, `events` its vocabulary, `policy` the
restarts, `health` the verdict, `order` the dependencies. The package imports `ocsd.errors`
only; events and the time go in, actions come out. Begin with `lifecycle`.
"""

from ocsd.supervisor.events import Action, Event, State, Target
from ocsd.supervisor.health import Health
from ocsd.supervisor.lifecycle import Lifecycle

__all__ = ["Action", "Event", "Health", "Lifecycle", "State", "Target"]
