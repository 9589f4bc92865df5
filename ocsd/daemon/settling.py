"""How the start went, told once: when nothing more happens, or when it has taken too long."""

from collections.abc import Callable
from typing import Final

from ocsd.daemon.fleet import Fleet
from ocsd.daemon.keeper import Clock
from ocsd.daemon.progress import Progress, start_report

LIMIT_S: Final = 30.0
"""After so long `ocsd start -d` returns although something is still starting."""


class Settling:
    """Tells how the start went, unless everything is stopped before.

    Parameters
    ----------
    fleet : Fleet
        The instances.
    waits_for : callable
        Returns whom an instance waits for.
    progress : Progress
        Where it is told.
    clock : Clock
        The time.
    on_settled : callable
        Called without arguments afterwards.
    """

    def __init__(
        self,
        fleet: Fleet,
        waits_for: Callable[[str], tuple[str, ...]],
        progress: Progress,
        clock: Clock,
        on_settled: Callable[[], None],
    ) -> None:
        self._fleet = fleet
        self._waits_for = waits_for
        self._progress = progress
        self._clock = clock
        self._on_settled = on_settled
        self._begun_s = clock.seconds()
        self._told = False

    def start(self) -> None:
        """Begin to wait."""
        self._clock.callLater(LIMIT_S, self._tell)

    def look(self) -> None:
        """Tell it if all is settled now."""
        if not self._told and self._fleet.settled:
            self._tell()

    def _tell(self) -> None:
        if self._told or self._fleet.stopping:
            return
        self._told = True
        took_s = self._clock.seconds() - self._begun_s
        for line in start_report(self._fleet, self._waits_for, took_s):
            self._progress.say(line)
        self._on_settled()
