"""Ends everything on a host, in an order in which nothing is lost."""

from collections.abc import Callable
from typing import Any, TypeAlias

from ocsd.daemon.api.requests import described
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.plan import AGGREGATOR_CLASS, REGISTRY_CLASS
from ocsd.daemon.instances.ports import Clock
from ocsd.daemon.instances.transition import Transition
from ocsd.supervisor.events import DownRequested
from ocsd.supervisor.order import waves_of_end

Write: TypeAlias = Callable[[dict[str, Any]], None]


class Shutdown:
    """Stops agents, then what records them, then the router; at most once.

    Remembered targets stay as they are: the next start brings up what runs now.

    Parameters
    ----------
    fleet : Fleet
        What to stop.
    clock : Clock
        The time.
    on_begin, on_end : callable
        Called without arguments when the first one is asked to end, and with the
        time it took [s] when no process of the fleet is left.
    """

    def __init__(
        self,
        fleet: Fleet,
        clock: Clock,
        on_begin: Callable[[], None],
        on_end: Callable[[float], None],
    ) -> None:
        self._fleet = fleet
        self._clock = clock
        self._on_begin = on_begin
        self._on_end = on_end
        self._writers: list[Write] = []
        self._waves: list[list[Keeper]] = []
        self._known = False
        self._begun_s: float | None = None

    @property
    def requested(self) -> bool:
        """Whether somebody has asked for it."""
        return self._fleet.stopping

    def request(self, write: Write = lambda _: None) -> None:
        """Stop everything, as soon as it is known what runs.

        Parameters
        ----------
        write : callable
            Takes a JSON object for each step; the last one says that all is over.
        """
        self._writers.append(write)
        self._fleet.stopping = True
        self._begin()

    def allow(self) -> None:
        """Take note that the fork server has told what runs."""
        self._known = True
        self._begin()

    def _begin(self) -> None:
        if not (self._known and self.requested) or self._begun_s is not None:
            return
        self._begun_s = self._clock.seconds()
        self._on_begin()
        central = {AGGREGATOR_CLASS, REGISTRY_CLASS}
        everyone = list(self._fleet)
        agents = {
            instance.instance_id: (instance, keeper)
            for instance, keeper in everyone
            if instance.agent_class not in central
        }
        after = {name: instance.after for name, (instance, _) in agents.items()}
        self._waves = [
            *([agents[name][1] for name in wave] for wave in waves_of_end(tuple(agents), after)),
            [keeper for instance, keeper in everyone if instance.agent_class in central],
            [self._fleet.router] if self._fleet.router is not None else [],
        ]
        self._fleet.observe(self._observe)
        self._ask()

    def _observe(self, transition: Transition) -> None:
        self._tell(described(transition))
        self._advance()

    def _ask(self) -> None:
        for keeper in list(self._waves[0]):
            keeper.deliver(DownRequested())
        self._advance()

    def _advance(self) -> None:
        if not self._waves or any(keeper.life.has_process for keeper in self._waves[0]):
            return
        self._waves.pop(0)
        if self._waves:
            self._ask()
            return
        took_s = round(self._clock.seconds() - (self._begun_s or 0.0), 3)
        self._tell({"event": "stopped", "took_s": took_s})
        self._on_end(took_s)

    def _tell(self, event: dict[str, Any]) -> None:
        for write in self._writers:
            write(event)
