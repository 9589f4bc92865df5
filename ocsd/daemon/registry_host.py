"""Runs the registry inside the daemon, as an instance like the others."""

import os
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from ocsd.daemon.keeper import Keeper
from ocsd.errors import PERMANENT_FAILURE_EXIT, OcsdError
from ocsd.forkserver.protocol import Ended, Spawned
from ocsd.forkserver.server import start_ticks
from ocsd.registry import agent as registry
from ocsd.site import launch as launches

REPORT_EVERY_S = 1.0


class RegistryLauncher:
    """Starts and stops the registry's session (`ocsd.daemon.keeper.Launcher`).

    Parameters
    ----------
    launch : Launch
        What the registry is told, as any agent is.
    clock : IReactorTime
        The time.
    """

    log = Logger()

    def __init__(self, launch: launches.Launch, clock: IReactorTime) -> None:
        self._launch = launch
        self._connection: Any = None
        self._reporting: Any = LoopingCall(self._report)
        self._reporting.clock = clock
        self.keeper: Keeper | None = None

    def spawn(self, name: str) -> None:
        """Start the registry's session."""
        launches.set_current(self._launch)
        try:
            self._connection = registry.connect(on_change=self._report)
        except OcsdError as error:
            self._tell_end(Ended(name, 0, PERMANENT_FAILURE_EXIT, None, str(error)))
            return
        pid = os.getpid()
        if self.keeper is not None:
            self.keeper.spawned(Spawned(name, pid, start_ticks(pid)))
        self._connection.start()
        self._reporting.start(REPORT_EVERY_S)

    def withdraw(self, name: str) -> bool:
        """Return False: nothing waits here."""
        return False

    def kill(self, name: str, pid: int, number: int) -> None:
        """End the registry's session; the signal is of no use in our own process."""
        if self._connection is None:
            return
        connection, self._connection = self._connection, None
        self._reporting.stop()
        stopped = connection.stop()
        stopped.addErrback(lambda failure: self.log.failure("registry: while stopping", failure))
        stopped.addBoth(lambda _: self._tell_end(Ended(name, pid, 0, None)))

    def _report(self) -> None:
        if self.keeper is not None and self._connection is not None:
            joined = self._connection.joined
            status = "" if joined else self._connection.reason
            self.keeper.heard({"READY": str(int(joined)), "WATCHDOG": "1", "STATUS": status})

    def _tell_end(self, ended: Ended) -> None:
        if self.keeper is not None:
            self.keeper.ended(ended)
