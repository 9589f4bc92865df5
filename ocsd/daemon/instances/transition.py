"""A change of the state of one instance."""

from dataclasses import dataclass

from ocsd.supervisor.events import Event
from ocsd.supervisor.lifecycle import Lifecycle


@dataclass(frozen=True, slots=True)
class Transition:
    """One instance went from one state to another."""

    instance_id: str
    before: Lifecycle
    after: Lifecycle
    """Its state before and after."""
    at: float
    """When [s, Unix time]."""
    event: Event
    """The event that led to it."""
    pid: int | None
    """The process concerned."""
