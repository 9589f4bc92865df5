"""The processes of this host: asked of the fork server, reported to their keepers."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import psutil
from twisted.logger import Logger

from ocsd.daemon.children.orphans import Orphan
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
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

MakeRequest: TypeAlias = Callable[[str], SpawnRequest]

MOST_NOTED = 1000
"""So many of the latest ends are known again, should a fork server tell of them once more."""


class ForkLauncher:
    """Starts processes through the fork server at once (`ocsd.daemon.instances.ports.Launcher`)."""

    def __init__(self, processes: "Processes", make_request: MakeRequest) -> None:
        self._processes = processes
        self._make_request = make_request

    def spawn(self, name: str) -> None:
        """Start the process of an instance."""
        self._processes.spawn(self._make_request(name))

    def withdraw(self, name: str) -> bool:
        """Return False: nothing waits here."""
        return False

    def kill(self, name: str, pid: int, number: int) -> None:
        """Send a signal to an instance's process group."""
        self._processes.kill(name, pid, number)


class Processes:
    """What the fork server runs for this daemon.

    Parameters
    ----------
    fleet : Fleet
        Whose processes they are.
    reactor : IReactorFDSet
        Watches processes whose fork server died.
    on_hello : callable
        Called with every `Hello`, after its processes were taken over.
    on_stranger : callable
        Returns a new keeper for a running process that the site file does not know.
    on_spawned : callable
        Called with the keeper of every process that was started.
    drain : callable
        Takes in what processes have said of themselves so far.
    last_words : callable
        Returns the last line of an instance's log; takes its name and its process.
    on_lost : callable
        Called without arguments when the fork server is gone.
    on_missed : callable
        Takes every `Ended` of a time in which no daemon was connected that changes no state.

    Attributes
    ----------
    notice : str
        What the fork server found wrong with its record of processes.
    """

    log = Logger()

    def __init__(
        self,
        fleet: Fleet,
        reactor: Any,
        on_hello: Callable[[Hello], None],
        on_stranger: Callable[[str], Keeper],
        on_spawned: Callable[[Keeper], None],
        drain: Callable[[], None],
        last_words: Callable[[str, Spawned | None], str],
        on_lost: Callable[[], None],
        on_missed: Callable[[Ended], None],
    ) -> None:
        self._fleet = fleet
        self._reactor = reactor
        self._on_hello = on_hello
        self._on_stranger = on_stranger
        self._on_spawned = on_spawned
        self._drain = drain
        self._last_words = last_words
        self._on_lost = on_lost
        self._on_missed = on_missed
        self._running: dict[str, Spawned] = {}
        self._orphans: dict[str, Orphan] = {}
        self._asked_for: set[str] = set()
        # Asked of a fork server that died: whether they run, the next one's Hello tells.
        self._unanswered: set[str] = set()
        self._noted: deque[int] = deque(maxlen=MOST_NOTED)
        self._server_pid = 0
        self._server_ends: dict[int, str] = {}
        self.notice = ""
        self.connection = ForkServerConnection(self.reported, self._lost)

    def spawn(self, request: SpawnRequest) -> None:
        """Ask for a process."""
        self._asked_for.add(request.name)
        self.connection.send(request)

    def kill(self, name: str, pid: int, number: int) -> None:
        """Signal the process group of an instance."""
        orphan = self._orphans.get(name)
        if orphan is not None:
            orphan.kill(number)
        else:
            self.connection.send(KillRequest(name, pid, number))

    def is_orphan(self, name: str) -> bool:
        """Whether the process of an instance is signalled without the fork server."""
        return name in self._orphans

    def server_ended(self, pid: int, how: str) -> None:
        """Take note how a fork server has ended."""
        self._server_ends[pid] = how

    def reported(self, report: Report) -> None:
        """Let a report of the fork server take effect."""
        match report:
            case Hello():
                self._take_over(report)
            case Spawned(name):
                self._asked_for.discard(name)
                self._spawned(report)
            case Ended(name):
                self._asked_for.discard(name)
                self._ended(name, report)
                self._forget(report.pid)

    def _forget(self, pid: int) -> None:
        """Let the fork server forget an end that is on record."""
        if pid:
            self._noted.append(pid)
            self.connection.send(ForgetRequest(pid))

    def _spawned(self, report: Spawned) -> None:
        keeper = self._keeper(report.name)
        expected = keeper.life.has_process
        self._take_in(report)
        if not expected:
            # An earlier daemon has asked for it, and was killed before it was there.
            self._fleet.reconsider(report.name)
        self._on_spawned(keeper)

    def _take_in(self, spawned: Spawned) -> None:
        keeper = self._keeper(spawned.name)
        if keeper.pid == spawned.pid:
            return  # two daemons have asked for it, or the connection was lost for a moment
        self._running[spawned.name] = spawned
        if spawned.pid in self._noted:
            self._noted.remove(spawned.pid)
        if keeper.life.has_process:
            keeper.spawned(spawned)
        else:
            keeper.adopt(spawned, _started_at(spawned.pid))

    def _keeper(self, name: str) -> Keeper:
        return self._fleet.keeper(name) or self._on_stranger(name)

    def _ended(self, name: str, report: Ended) -> None:
        keeper = self._fleet.keeper(name)
        if keeper is None:
            return
        if not report.pid and keeper.pid is not None:
            return  # another one could not be started, which is as it should be
        if report.pid == keeper.pid:
            self._forget_orphan(name)
        # Its last words were sent before it ended, but on another socket.
        self._drain()
        if report.code and not (report.detail or keeper.failure):
            spawned = self._running.get(name)
            since = spawned if spawned is not None and spawned.pid == report.pid else None
            report = replace(report, detail=self._last_words(name, since))
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
            self._forget_orphan(spawned.name)
        orphans = [each for each in hello.orphans if lives(each)]
        for spawned in orphans:
            self._take_in(spawned)
            self._watch(spawned)
        unanswered, self._unanswered = self._unanswered, set()
        for name in unanswered - {each.name for each in (*hello.running, *orphans)}:
            self._ended(name, Ended(name, 0, None, None, "its fork server died as it was started"))
        self._on_hello(hello)

    def _ended_meanwhile(self, ended: Ended) -> None:
        keeper = self._fleet.keeper(ended.name)
        if keeper is not None and keeper.pid == ended.pid:
            self._ended(ended.name, ended)
        elif ended.pid not in self._noted and ended.name not in self._unanswered:
            self.log.info(
                "{name} (pid {pid}) ended while no daemon was connected: "
                "exit code {code}, signal {signal}",
                name=ended.name,
                pid=ended.pid,
                code=ended.code,
                signal=ended.signal,
            )
            if not self._fleet.ended_unseen(ended):
                self._on_missed(ended)
        self._forget(ended.pid)

    def _forget_orphan(self, name: str) -> None:
        orphan = self._orphans.pop(name, None)
        if orphan is not None:
            orphan.discard()

    def _lost(self) -> None:
        """Watch what the dead fork server leaves behind, so that no second copy is started."""
        self._unanswered |= self._asked_for
        self._asked_for = set()
        self._on_lost()
        for keeper in list(self._fleet.everyone()):
            spawned = self._running.get(keeper.instance_id)
            if spawned is not None and spawned.pid == keeper.pid:
                self._watch(spawned, self._server_pid)

    def _watch(self, spawned: Spawned, parent: int = 0) -> None:
        name = spawned.name

        def gone() -> None:
            self._orphans.pop(name, None)
            # Its parent would have done that.
            kill_remains(spawned)
            how = self._server_ends.get(parent, "")
            unknown = "exit code unknown, for the fork server that started it was gone"
            detail = f"{unknown}: {how}" if how else unknown
            self._ended(name, Ended(name, spawned.pid, None, None, detail, time.time()))
            self._forget(spawned.pid)

        if name in self._orphans:
            return
        try:
            orphan = Orphan(self._reactor, spawned.pid, gone)
        except ProcessLookupError:
            gone()
            return
        # The number may have been given to another process just before.
        if lives(spawned):
            self._orphans[name] = orphan
        else:
            orphan.discard()
            gone()


def _started_at(pid: int) -> float:
    """Return when a process was started [s, Unix time]; now, if it has just ended."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return time.time()
