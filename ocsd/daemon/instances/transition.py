"""A change of the state of one instance."""

from dataclasses import dataclass

from ocsd.supervisor.events import Event
from ocsd.supervisor.lifecycle import Lifecycle


@dataclass(frozen=True, slots=True)
class Transition:
    """One instance went from one state to another.

    Attributes
    ----------
    instance_id : str
        The instance-id.
    before, after : Lifecycle
        Where it stood and where it stands.
    at : float
        When [s, Unix time].
    event : Event
        What led to it.
    pid : int or None
        The process that it concerns.
    """

    instance_id: str
    before: Lifecycle
    after: Lifecycle
    at: float
    event: Event
    pid: int | None
