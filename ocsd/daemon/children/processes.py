"""Starts and signals the processes of this host, and reports their ends to the keepers."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from twisted.logger import Logger

from ocsd.daemon.children.orphans import Orphan
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.errors import AccessFilesError, OcsdError
from ocsd.forkserver.client import ForkServerConnection
from ocsd.forkserver.protocol import (
    Ended,
    ForgetRequest,
    Hello,
    KillRequest,
    Report,
    Spawned,
    SpawnRequest,
)
from ocsd.forkserver.record import lives
from ocsd.forkserver.remains import kill_remains
from ocsd.system.proc import age_s

MakeRequest: TypeAlias = Callable[[str], SpawnRequest]

MOST_RECORDED = 1000
"""The number of latest ends that are recognized if a fork server reports them again."""


@dataclass(eq=False)
class ForkLauncher:
    """Starts processes through the fork server at once (`ocsd.daemon.instances.ports.Launcher`)."""

    processes: "Processes"
    make_request: MakeRequest

    def spawn(self, instance_id: str) -> None:
        """Start the process of an instance."""
        try:
            request = self.make_request(instance_id)
        except AccessFilesError as error:
            self.processes.refuse(instance_id, error)
        else:
            self.processes.spawn(request)

    def withdraw(self, instance_id: str) -> bool:
        """Return False: nothing waits here."""
        return False

    def kill(self, instance_id: str, pid: int, number: int) -> None:
        """Send a signal to an instance's process group."""
        self.processes.kill(instance_id, pid, number)


@dataclass(eq=False)
class Processes:
    """The processes that the fork server runs for this daemon."""

    log = Logger()

    fleet: Fleet
    reactor: Any
    """Watches processes whose fork server died (IReactorFDSet)."""
    on_hello: Callable[[Hello], None]
    """Called after the processes of a `Hello` were taken over."""
    on_stranger: Callable[[str], Keeper]
    """Returns a new keeper for a running process that is not in the site file."""
    on_spawned: Callable[[Keeper], None]
    drain: Callable[[], None]
    """Reads the messages that processes have sent so far."""
    last_words: Callable[[str, Spawned | None], str]
    """Returns the last line of the log of an instance and its process."""
    on_lost: Callable[[], None]
    """Called when the fork server is gone."""
    on_missed: Callable[[Ended], None]
    """Takes every end in a time without a connected daemon that changes no state."""

    def __post_init__(self) -> None:
        self._running: dict[str, Spawned] = {}
        self._orphans: dict[str, Orphan] = {}
        self._asked_for: set[str] = set()
        # Asked of a fork server that died; the Hello of the next one shows whether they run.
        self._unanswered: set[str] = set()
        self._recorded: deque[int] = deque(maxlen=MOST_RECORDED)
        self._server_pid = 0
        self._server_ends: dict[int, str] = {}
        self.notice = ""  # the fork server's complaint about its record of processes
        self.connection = ForkServerConnection(self.reported, self._lost)

    def spawn(self, request: SpawnRequest) -> None:
        """Ask for a process."""
        self._asked_for.add(request.instance_id)
        self.connection.send(request)

    def refuse(self, instance_id: str, error: OcsdError) -> None:
        """Report a process that cannot be started, once its keeper waits for that."""
        ended = Ended(instance_id, 0, error.exit_code, None, str(error))
        self.reactor.callLater(0, self.reported, ended)

    def kill(self, instance_id: str, pid: int, number: int) -> None:
        """Signal the process group of an instance."""
        orphan = self._orphans.get(instance_id)
        if orphan is not None:
            orphan.kill(number)
        else:
            self.connection.send(KillRequest(instance_id, pid, number))

    def is_orphan(self, instance_id: str) -> bool:
        """Whether the process of an instance is signalled without the fork server."""
        return instance_id in self._orphans

    def server_ended(self, pid: int, how: str) -> None:
        """Remember how a fork server has ended."""
        self._server_ends[pid] = how

    def reported(self, report: Report) -> None:
        """Let a report of the fork server take effect."""
        match report:
            case Hello():
                self._take_over(report)
            case Spawned():
                self._asked_for.discard(report.instance_id)
                self._spawned(report)
            case Ended():
                self._asked_for.discard(report.instance_id)
                self._ended(report)
                self._forget(report.pid)

    def _forget(self, pid: int) -> None:
        """Let the fork server forget an end that is on record."""
        if pid:
            self._recorded.append(pid)
            self.connection.send(ForgetRequest(pid))

    def _spawned(self, report: Spawned) -> None:
        keeper = self._keeper(report.instance_id)
        expected = keeper.life.has_process
        self._take_in(report)
        if not expected:
            # An earlier daemon has asked for it, and was killed before it was started.
            self.fleet.reconsider(report.instance_id)
        self.on_spawned(keeper)

    def _take_in(self, spawned: Spawned) -> None:
        keeper = self._keeper(spawned.instance_id)
        if keeper.pid == spawned.pid:
            return  # two daemons have asked for it, or the connection was lost for a moment
        self._running[spawned.instance_id] = spawned
        if spawned.pid in self._recorded:
            self._recorded.remove(spawned.pid)
        if keeper.life.has_process:
            keeper.spawned(spawned)
        else:
            keeper.adopt(spawned, _started_at(spawned))
            # It may have reported to this daemon already.
            self.on_spawned(keeper)

    def _keeper(self, instance_id: str) -> Keeper:
        return self.fleet.keeper(instance_id) or self.on_stranger(instance_id)

    def _ended(self, report: Ended) -> None:
        instance_id = report.instance_id
        keeper = self.fleet.keeper(instance_id)
        if keeper is None:
            return
        if not report.pid and keeper.pid is not None:
            return  # a second copy could not be started, which is as it should be
        if report.pid == keeper.pid:
            self._forget_orphan(instance_id)
        # Its last messages were sent before it ended, but on another socket.
        self.drain()
        if report.code and not (report.detail or keeper.failure):
            since = self._running.get(instance_id)
            if since is not None and since.pid != report.pid:
                since = None
            report = replace(report, detail=self.last_words(instance_id, since))
        keeper.ended(report)

    def _take_over(self, hello: Hello) -> None:
        self._server_pid = hello.pid
        if hello.notice and hello.notice != self.notice:
            self.notice = hello.notice
            self.log.error("{notice}", notice=hello.notice)
        for ended in hello.ended:
            self._ended_meanwhile(ended)
        for spawned in hello.running:
            self._take_in(spawned)
            self._forget_orphan(spawned.instance_id)
        orphans = [spawned for spawned in hello.orphans if lives(spawned)]
        for spawned in orphans:
            self._take_in(spawned)
            self._watch(spawned)
        unanswered, self._unanswered = self._unanswered, set()
        present = {spawned.instance_id for spawned in (*hello.running, *orphans)}
        for instance_id in unanswered - present:
            self._ended(Ended(instance_id, 0, None, None, "its fork server died as it was started"))
        self.on_hello(hello)

    def _ended_meanwhile(self, ended: Ended) -> None:
        keeper = self.fleet.keeper(ended.instance_id)
        if keeper is not None and keeper.pid == ended.pid:
            self._ended(ended)
        elif ended.pid not in self._recorded and ended.instance_id not in self._unanswered:
            self.log.info(
                "{name} (pid {pid}) ended while no daemon was connected: "
                "exit code {code}, signal {signal}",
                name=ended.instance_id,
                pid=ended.pid,
                code=ended.code,
                signal=ended.signal,
            )
            if not self.fleet.ended_unseen(ended):
                self.on_missed(ended)
        self._forget(ended.pid)

    def _forget_orphan(self, instance_id: str) -> None:
        orphan = self._orphans.pop(instance_id, None)
        if orphan is not None:
            orphan.discard()

    def _lost(self) -> None:
        """Watch the processes of the dead fork server, so that no second copy is started."""
        self._unanswered |= self._asked_for
        self._asked_for = set()
        self.on_lost()
        for keeper in list(self.fleet.everyone()):
            spawned = self._running.get(keeper.instance_id)
            if spawned is not None and spawned.pid == keeper.pid:
                self._watch(spawned, self._server_pid)

    def _watch(self, spawned: Spawned, parent: int = 0) -> None:
        instance_id = spawned.instance_id

        def gone() -> None:
            self._orphans.pop(instance_id, None)
            # Its parent would have done that.
            kill_remains(spawned)
            detail = "exit code unknown, because the fork server that started it was gone"
            if parent in self._server_ends:
                detail += f": {self._server_ends[parent]}"
            self._ended(Ended(instance_id, spawned.pid, None, None, detail, time.time()))
            self._forget(spawned.pid)

        if instance_id in self._orphans:
            return
        try:
            orphan = Orphan(self.reactor, spawned.pid, gone)
        except ProcessLookupError:
            gone()
            return
        # The number may have been given to another process just before.
        if lives(spawned):
            self._orphans[instance_id] = orphan
        else:
            orphan.discard()
            gone()


def _started_at(spawned: Spawned) -> float:
    """Return when an instance was started [s, Unix time as it is now]; now, if it has just ended.

    A router may have waited for long before it was asked for.
    """
    return time.time() - max(0.0, (age_s(spawned.pid) or 0.0) - spawned.waited_s)
