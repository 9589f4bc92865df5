"""Reaches the daemon's fork server, checks that it answers, and replaces it when it ends."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from twisted.logger import Logger

from ocsd.daemon.children.asking import Asking
from ocsd.errors import ForkServerError
from ocsd.forkserver.client import Connector, ForkServerConnection
from ocsd.forkserver.start import PreparedServer
from ocsd.supervisor.events import end_reason, exited
from ocsd.system.paths import HostPaths, is_listening
from ocsd.system.proc import why_silent

FORKSERVER_RETRY_S = 1.0
"""Delay before a fork server that failed is replaced or reached again [s]."""

GREETING_LIMIT_S = 5.0
"""After this long without a greeting, a fork server is reported as stuck [s]."""

LATE_S = 1.0
"""After this long without an answer, assume that requests may not be carried out [s]."""

EXIT_S = 0.2
"""Delay before the exit code is asked for: a process hangs up a moment before it ends [s]."""


@dataclass(eq=False)
class ForkServerLink:
    """Keeps a fork server connected."""

    log = Logger()

    server: PreparedServer
    """The fork server that was started for this daemon, whether it was needed or not."""
    paths: HostPaths
    connection: ForkServerConnection
    reactor: Any
    give_up: Callable[[ForkServerError], None]
    """Takes the reason if not even the first one could be started."""
    on_end: Callable[[int, str], None]
    """Takes the pid of every fork server that has ended, and how."""

    def __post_init__(self) -> None:
        self._was_greeted = False
        self._pid: int | None = None
        # A fork server greets every client.
        connect = partial(self.reactor.connectUNIX, str(self.paths.forkserver_socket))
        self._asking = Asking(connect, b"", lambda: None, self.reactor)

    def connect(self) -> None:
        """Reach the fork server, as soon as it listens."""
        Connector(
            self.reactor, self.paths.forkserver_socket, self.connection, self._goes_on
        ).connect()

    def greeted(self, pid: int) -> None:
        """Begin to check fork server `pid`, which has said Hello."""
        self._was_greeted = True
        self._pid = pid
        self._asking.start()

    def lost(self) -> None:
        """Connect again, to another one if this one has ended."""
        if is_listening(self.paths.forkserver_socket):
            self.log.error("the fork server has hung up; connecting again")
            self.reactor.callLater(FORKSERVER_RETRY_S, self.connect)
        else:
            self._replace()

    @property
    def trouble(self) -> str:
        """Why nothing can be started now; empty if it can."""
        waited_s = self._asking.waited_s
        if waited_s <= GREETING_LIMIT_S:
            return ""
        text = (
            f"the fork server has not answered for {waited_s:.0f} s: "
            "all that runs goes on, but what starts or stops waits for it"
        )
        if self._pid is None:
            return text
        busy = (
            f"may be busy; if that lasts: kill -ABRT {self._pid} and the daemon starts another "
            "one: agents run on"
        )
        return f"{text}; it (pid {self._pid}) {why_silent(self._pid) or busy}"

    @property
    def answers(self) -> bool:
        """Whether requests are carried out at once, as far as is known."""
        return self._asking.waited_s <= LATE_S

    def _replace(self) -> None:
        """Start another fork server, because the one that has greeted has ended."""
        self.log.error("the fork server has ended; its agents run on, starting another one")
        if self._pid is not None:
            self.reactor.callLater(EXIT_S, self._report_end, self.server, self._pid)
        self._start_another()

    def _report_end(self, server: PreparedServer, pid: int) -> None:
        code = server.exit_code(pid)
        how = "ended; exit code unknown, because an earlier daemon had started it"
        if code is not None:
            how = end_reason(exited(code))
        self.log.error("the end of the fork server (pid {pid}): {how}", pid=pid, how=how)
        self.on_end(pid, how)

    def _start_another(self) -> None:
        self._pid = None
        self.server = PreparedServer()
        self.server.listen(self.paths.forkserver_socket, self.paths.forkserver_log)
        self.connect()

    def _goes_on(self) -> bool:
        """Return whether it makes sense to keep trying to reach the same fork server."""
        failure = self.server.failure()
        if not failure:
            return True
        if self.server.discarded:
            # The fork server of an earlier daemon ended a moment ago.
            self._start_another()
            return False
        if self._pid is not None:
            self._replace()
            return False
        self.log.error("{failure}", failure=failure)
        if self._was_greeted:
            self.reactor.callLater(FORKSERVER_RETRY_S, self._start_another)
        else:
            self.give_up(ForkServerError(failure))
        return False
