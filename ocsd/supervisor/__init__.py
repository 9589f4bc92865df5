"""The rules of supervision: pure, without processes, clocks or a reactor.

`lifecycle` is the state machine of one instance, `events` and `answers` its vocabulary,
`policy` its limits; `wish` is the target of an instance and the reason for it, `health` the
verdict on it, `dependencies` the order of starts and ends. The package imports `ocsd.errors`
only; events and the time go in, actions come out. Begin with `lifecycle`.
"""

from ocsd.supervisor.events import Action, Event, State, Target
from ocsd.supervisor.health import Health
from ocsd.supervisor.lifecycle import Lifecycle

__all__ = ["Action", "Event", "Health", "Lifecycle", "State", "Target"]
