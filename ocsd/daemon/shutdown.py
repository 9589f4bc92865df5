"""The end of everything on a host, in an order in which nothing is lost."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ocsd.daemon.api.requests import described
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.plan import REGISTRY_CLASS
from ocsd.daemon.instances.ports import Clock
from ocsd.daemon.instances.transition import Transition
from ocsd.site.recording import AGGREGATOR_CLASS
from ocsd.supervisor.dependencies import waves_of_end
from ocsd.supervisor.events import DownRequested
from ocsd.system.classes import BRIDGE_CLASS

Write: TypeAlias = Callable[[dict[str, Any]], None]


@dataclass(eq=False)
class Shutdown:
    """Stops agents, then the recording, then the bridge, then the router; at most once.

    Remembered targets stay as they are: the next start brings up all that runs now.
    """

    fleet: Fleet
    """The instances and the router."""
    clock: Clock
    on_begin: Callable[[], None]
    """Called when the first instance is asked to end."""
    on_end: Callable[[float], None]
    """Called with the time it took [s] when no process of the fleet is left."""

    by: str = field(default="", init=False)
    """The person or the signal that asked for it."""

    def __post_init__(self) -> None:
        self._writers: list[Write] = []
        self._waves: list[list[Keeper]] = []
        self._is_allowed = False
        self._begun_s: float | None = None

    def request(self, write: Write = lambda _: None, by: str = "") -> None:
        """Stop everything, as soon as it is known what runs.

        `write` takes a JSON object for each step; the last one says that all is over. `by` is
        the person or the signal that asked; the first one counts.
        """
        self.by = self.by or by
        self._writers.append(write)
        self.fleet.stopping = True
        self._begin()

    def allow(self) -> None:
        """Allow the stop to begin: the fork server has reported what runs."""
        self._is_allowed = True
        self._begin()

    def _begin(self) -> None:
        if not (self._is_allowed and self.fleet.stopping) or self._begun_s is not None:
            return
        self._begun_s = self.clock.seconds()
        self.on_begin()
        self._waves = _waves(self.fleet)
        self.fleet.observe(self._observe)
        self._ask()

    def _observe(self, transition: Transition) -> None:
        self._write(described(transition))
        self._advance()

    def _ask(self) -> None:
        for keeper in list(self._waves[0]):
            keeper.deliver(DownRequested(self.by))
        self._advance()

    def _advance(self) -> None:
        if not self._waves or any(keeper.life.has_process for keeper in self._waves[0]):
            return
        self._waves.pop(0)
        if self._waves:
            self._ask()
            return
        took_s = round(self.clock.seconds() - (self._begun_s or 0.0), 3)
        self._write({"event": "stopped", "took_s": took_s})
        self.on_end(took_s)

    def _write(self, event: dict[str, Any]) -> None:
        for write in self._writers:
            write(event)


def _waves(fleet: Fleet) -> list[list[Keeper]]:
    """Return the keepers in groups that may end together, the first group first."""
    agents, central, bridge, after = {}, [], [], {}
    for instance, keeper in fleet:
        if instance.instance_id in fleet.passive:
            continue
        if instance.agent_class in {AGGREGATOR_CLASS, REGISTRY_CLASS}:
            central.append(keeper)
        elif instance.agent_class == BRIDGE_CLASS:
            bridge.append(keeper)  # by it the other hosts hear the last messages
        else:
            agents[keeper.instance_id] = keeper
            after[keeper.instance_id] = instance.after
    waves = [[agents[each] for each in wave] for wave in waves_of_end(tuple(agents), after)]
    return [*waves, central, bridge, list(filter(None, [fleet.router]))]
