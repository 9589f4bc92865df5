"""The rules of supervision: pure, without processes, clocks or a reactor."""

from ocsd.supervisor.lifecycle import Action, Event, Health, Lifecycle, State, Target

__all__ = ["Action", "Event", "Health", "Lifecycle", "State", "Target"]
