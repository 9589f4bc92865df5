"""The start: a step that fails ends it; how it went is told once, when all has settled."""

from collections.abc import Callable
from typing import Final

from twisted.logger import Logger

from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.ports import Clock
from ocsd.daemon.progress import StartReport, start_report
from ocsd.errors import DaemonStartError, OcsdError

SETTLING_LIMIT_S: Final = 30.0
"""After so long `ocsd start -d` returns although something is still starting."""

_LOG = Logger()


def attempt(step: Callable[[], None], give_up: Callable[[OcsdError], None]) -> None:
    """Take a step of the start, without which the daemon would be of no use.

    Parameters
    ----------
    step : callable
        Called without arguments. The reactor would log what it raises, and go on.
    give_up : callable
        Ends the daemon, so that somebody may start another one; takes the reason.
    """
    try:
        step()
    except Exception as error:  # noqa: BLE001 - whatever it is, half a daemon is none
        _LOG.failure("the daemon cannot start")
        give_up(
            DaemonStartError(
                f"the daemon cannot start: {type(error).__name__}: {error}; "
                "what led to it is in its log: ocsd logs ocsd"
            )
        )


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
        progress: StartReport,
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
        self._clock.callLater(SETTLING_LIMIT_S, self._tell)

    def report_if_settled(self) -> None:
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
