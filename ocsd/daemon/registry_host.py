"""Runs the registry inside the daemon, as an instance like the others."""

import os
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from ocsd import ocs_agent, site_config
from ocsd.agent.connection import Connection
from ocsd.daemon.keeper import Keeper
from ocsd.errors import PERMANENT_FAILURE_EXIT, OcsdError
from ocsd.forkserver.protocol import Ended, Spawned
from ocsd.forkserver.server import start_ticks
from ocsd.registry import agent as registry
from ocsd.site import launch as launches

REPORT_EVERY_S = 1.0
END_LIMIT_S = 2.0


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
        self._agent: Any = None
        self._connection: Connection | None = None
        self._reporting: Any = LoopingCall(self._report)
        self._reporting.clock = clock
        self.keeper: Keeper | None = None

    def spawn(self, name: str) -> None:
        """Start the registry's session."""
        launches.set_current(self._launch)
        try:
            self._agent, self._connection = self._assemble()
        except OcsdError as error:
            self._tell_end(Ended(name, 0, PERMANENT_FAILURE_EXIT, None, str(error)))
            return
        except Exception as error:  # noqa: BLE001 - a defect here must not take the daemon along
            self.log.failure("the registry cannot be started")
            self._tell_end(Ended(name, 0, 1, None, f"{type(error).__name__}: {error}"))
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
        ended = self._agent.end_operations(END_LIMIT_S)
        ended.addBoth(lambda _: connection.stop())
        ended.addErrback(lambda failure: self.log.failure("while the registry stopped", failure))
        ended.addBoth(lambda _: self._tell_end(Ended(name, pid, 0, None)))

    def _assemble(self) -> tuple[ocs_agent.OCSAgent, Connection]:
        args = site_config.parse_args(
            agent_class=registry.AGENT_CLASS, parser=registry.make_parser(), args=[]
        )
        agent, _runner = ocs_agent.init_site_agent(args)
        registry.build(agent, args.wait_time)
        return agent, Connection(agent, args, on_change=self._report)

    def _report(self) -> None:
        if self.keeper is not None and self._connection is not None:
            joined = self._connection.joined
            status = "" if joined else self._connection.reason
            self.keeper.heard({"READY": str(int(joined)), "WATCHDOG": "1", "STATUS": status})

    def _tell_end(self, ended: Ended) -> None:
        if self.keeper is not None:
            self.keeper.ended(ended)
