"""The rules of supervision: pure, without processes, clocks or a reactor."""

from ocsd.supervisor.events import Action, Event, State, Target
from ocsd.supervisor.health import Health
from ocsd.supervisor.lifecycle import Lifecycle

__all__ = ["Action", "Event", "Health", "Lifecycle", "State", "Target"]
