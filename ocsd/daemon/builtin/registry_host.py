"""Runs the registry inside the daemon, as an instance like the others."""

import importlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from twisted.logger import Logger

from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.ports import Clock, Timer
from ocsd.errors import PERMANENT_FAILURE_EXIT, OcsdError
from ocsd.forkserver.protocol import Ended, Spawned
from ocsd.reactor.repeating import repeating
from ocsd.site.values.told import ToldLaunch
from ocsd.supervisor.health import LIFE
from ocsd.system.proc import start_ticks
from ocsd.system.runs import REQUESTS_KEY, encode_requests

REGISTRY_REPORT_S = 1.0
REGISTRY_END_LIMIT_S = 2.0


@dataclass(eq=False)
class RegistryLauncher:
    """Starts and stops the registry's session (`ocsd.daemon.instances.ports.Launcher`)."""

    log = Logger()

    launch_of: Callable[[str], ToldLaunch]
    """Returns the launch of the registry, as of any agent, by its instance-id."""
    clock: Clock

    def __post_init__(self) -> None:
        self._beginning: Timer | None = None
        self._agent: Any = None
        self._table: Any = None
        self._connection: Any = None
        self._reporting = repeating(self._report, self.clock)
        self._told: dict[str, str] = {}
        self.keeper: Keeper | None = None

    def heard_s(self) -> Mapping[str, float]:
        """Return when each agent's latest heartbeat came [s, monotonic], by its session-id."""
        heard: Mapping[str, float] = {} if self._connection is None else self._table.heard_s()
        return heard

    def spawn(self, instance_id: str) -> None:
        """Start the registry's session, once the agents have been asked for."""
        self._beginning = self.clock.callLater(0, partial(self._begin, instance_id))

    def withdraw(self, instance_id: str) -> bool:
        """Take back a start that has not begun."""
        waits = self._beginning is not None and self._beginning.active()
        if self._beginning is not None and waits:
            self._beginning.cancel()
        return waits

    def _begin(self, instance_id: str) -> None:
        try:
            session = importlib.import_module("ocsd.daemon.builtin.registry_session")
            self._agent, self._table, self._connection = session.assemble(
                self.launch_of(instance_id), self._report
            )
        except OcsdError as error:
            self._report_end(Ended(instance_id, 0, PERMANENT_FAILURE_EXIT, None, str(error)))
            return
        except Exception as error:  # noqa: BLE001 - a defect here must not take the daemon along
            self.log.failure("the registry cannot be started")
            self._report_end(Ended(instance_id, 0, 1, None, f"{type(error).__name__}: {error}"))
            return
        self._connection.start()
        self._reporting.start(REGISTRY_REPORT_S)
        pid = os.getpid()
        if self.keeper is not None:
            # Last, because a stop that came meanwhile takes effect in here.
            self.keeper.spawned(Spawned(instance_id, pid, start_ticks(pid)))

    def kill(self, instance_id: str, pid: int, number: int) -> None:
        """End the registry's session; the signal is of no use in our own process."""
        if self._connection is None:
            return
        connection, self._connection = self._connection, None
        self._reporting.stop()
        ended = self._agent.end_operations(REGISTRY_END_LIMIT_S)
        ended.addBoth(lambda _: connection.stop())
        ended.addErrback(lambda failure: self.log.failure("while the registry stopped", failure))
        ended.addBoth(lambda _: self._report_end(Ended(instance_id, pid, 0, None)))

    def _report(self) -> None:
        if self.keeper is not None and self._connection is not None:
            joined = self._connection.joined
            status = self._connection.reason
            if joined:
                status = ""
            requests = encode_requests(self._agent.operations.take_requests())
            told = {"READY": str(int(joined)), "WATCHDOG": "1", "STATUS": status}
            if joined and not requests and self._told == told:
                self.keeper.notified(LIFE)
                return
            self._told = told
            self.keeper.notified({**told, REQUESTS_KEY: requests})

    def _report_end(self, ended: Ended) -> None:
        if self.keeper is not None:
            self.keeper.ended(ended)
