"""The start of a daemon: a step that fails ends it; one report follows when all has settled."""

from collections.abc import Callable
from dataclasses import dataclass
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
    """Take a step of the start; if it fails, `give_up` ends the daemon for the reason given.

    The reactor would log the error of the step, and go on.
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


@dataclass(eq=False)
class Settling:
    """Reports how the start went, unless everything is stopped before."""

    fleet: Fleet
    waits_for: Callable[[str], tuple[str, ...]]
    """Returns the instances for which an instance waits."""
    progress: StartReport
    """Takes the report."""
    clock: Clock
    on_settled: Callable[[], None]
    """Called afterwards."""

    def __post_init__(self) -> None:
        self._begun_s = self.clock.seconds()
        self._is_over = False

    def start(self) -> None:
        """Begin to wait."""
        self.clock.callLater(SETTLING_LIMIT_S, self._report)

    def report_if_settled(self) -> None:
        """Report if every instance is where it will stay, or waits for another try."""
        if self._is_over:
            return
        router = self.fleet.router
        lives = [keeper.life for _, keeper in self.fleet.agents()]
        if router is not None:
            lives.append(router.life)
        if all(life.settled or life.state is State.BACKOFF for life in lives):
            self._report()

    def _report(self) -> None:
        if self._is_over or self.fleet.stopping:
            return
        self._is_over = True
        took_s = self.clock.seconds() - self._begun_s
        for line in start_report(self.fleet, self.waits_for, took_s):
            self.progress.say(line)
        self.on_settled()
