"""Ends everything on a host, in an order in which nothing is lost."""

from collections.abc import Callable

from ocsd.daemon.fleet import Fleet
from ocsd.daemon.keeper import Keeper, Transition
from ocsd.daemon.plan import AGGREGATOR_CLASS, REGISTRY_CLASS
from ocsd.supervisor.lifecycle import DownRequested


class Shutdown:
    """Stops agents, then what records them, then the router.

    Remembered targets stay as they are: the next start brings up what runs now.

    Parameters
    ----------
    fleet : Fleet
        What to stop.
    on_end : callable
        Called without arguments when no process of the fleet is left.
    """

    def __init__(self, fleet: Fleet, on_end: Callable[[], None]) -> None:
        central = {AGGREGATOR_CLASS, REGISTRY_CLASS}
        everyone = list(fleet)
        self._waves: list[list[Keeper]] = [
            [keeper for instance, keeper in everyone if instance.agent_class not in central],
            [keeper for instance, keeper in everyone if instance.agent_class in central],
            [fleet.router] if fleet.router is not None else [],
        ]
        self._on_end = on_end
        self._unobserve = fleet.observe(self._observe)
        self._begun = False

    def begin(self) -> None:
        """Ask the first ones to end; the rest follows by itself."""
        self._begun = True
        self._ask()

    def _observe(self, transition: Transition) -> None:
        if self._begun:
            self._advance()

    def _ask(self) -> None:
        for keeper in list(self._waves[0]) if self._waves else ():
            keeper.deliver(DownRequested())
        self._advance()

    def _advance(self) -> None:
        if not self._waves or any(keeper.life.has_process for keeper in self._waves[0]):
            return
        self._waves.pop(0)
        if self._waves:
            self._ask()
        else:
            self._unobserve()
            self._on_end()
