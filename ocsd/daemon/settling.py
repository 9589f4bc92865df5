"""The start of a daemon: a step that fails ends it; one report follows when all has settled."""

from collections.abc import Callable
from typing import Final

from twisted.logger import Logger

from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.ports import Clock
from ocsd.daemon.progress import StartReport, start_report
from ocsd.errors import DaemonStartError, OcsdError
from ocsd.supervisor.events import State

SETTLING_LIMIT_S: Final = 30.0
"""Time after which `ocsd start -d` returns although something is still starting [s]."""

_LOG = Logger()


def attempt(step: Callable[[], None], give_up: Callable[[OcsdError], None]) -> None:
    """Take a step of the start, without which the daemon would be of no use.

    Parameters
    ----------
    step : callable
        Called without arguments. The reactor would log what it raises, and go on.
    give_up : callable
        Ends the daemon, which makes room for another one; takes the reason.
    """
    try:
        step()
    except Exception as error:  # noqa: BLE001 - half a daemon is of no use, whatever failed
        _LOG.failure("the daemon cannot start")
        give_up(
            DaemonStartError(
                f"the daemon cannot start: {type(error).__name__}: {error}; "
                "what led to it is in its log: ocsd logs ocsd"
            )
        )


class Settling:
    """Reports how the start went, unless everything is stopped before.

    Parameters
    ----------
    fleet : Fleet
        The instances.
    waits_for : callable
        Returns the instances for which an instance waits.
    progress : StartReport
        Takes the report.
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
        self._is_over = False

    def start(self) -> None:
        """Begin to wait."""
        self._clock.callLater(SETTLING_LIMIT_S, self._report)

    def report_if_settled(self) -> None:
        """Report if every instance is where it will stay, or waits for another try."""
        lives = [keeper.life for keeper in self._fleet.everyone()]
        if all(life.settled or life.state is State.BACKOFF for life in lives):
            self._report()

    def _report(self) -> None:
        if self._is_over or self._fleet.stopping:
            return
        self._is_over = True
        took_s = self._clock.seconds() - self._begun_s
        for line in start_report(self._fleet, self._waits_for, took_s):
            self._progress.say(line)
        self._on_settled()
