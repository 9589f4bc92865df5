"""The site of the counting agents, and what can be done to it."""

import contextlib
import os
import shutil
import signal
import threading
from collections.abc import Iterable
from pathlib import Path

import psutil

from benchmarks.counting.proxy import Proxy
from benchmarks.counting.worker import worker
from benchmarks.one_host import OneHost, instance
from tests.system import small_disk
from tests.system.invariants import copies

HOST = "count"
AGENTS = tuple(f"count-{number}" for number in range(1, 6))
WIRED = AGENTS[:3]
"""These have a link that can be cut; the others are on the router's Unix socket."""

DISK_SIZE = "400m"
REFILL_S = 0.2
DAEMON_CHECK_S = 0.5


class CountingScene(OneHost):
    """One host with five agents of two feeds each, on disks of its own if that is allowed.

    Parameters
    ----------
    folder : Path
        Gets everything; its path must be short, for sockets are in it.
    frame_length_s : float
        Length of a frame of the aggregator [s].

    Attributes
    ----------
    has_disks : bool
        Whether the disks can be filled.
    amiss : list of str
        What its threads have failed by.
    """

    def __init__(self, folder: Path, frame_length_s: float) -> None:
        plugin = Path(__file__).with_name("counting_agent.py")
        super().__init__(folder, HOST, plugin, "CountingAgent")
        self.data = folder / "data"
        self.published = folder / "published"
        self.published.mkdir()
        self._disks = contextlib.ExitStack()
        self.has_disks = self._mount()
        self._proxies = {name: Proxy(self.port) for name in WIRED}
        self.amiss: list[str] = []
        self._full: set[Path] = set()
        self._was_full: set[Path] = set()
        self._filling = threading.Lock()
        self._wanted = threading.Event()
        self._over = threading.Event()
        self._threads = [
            worker("keeping disks full", self._keep_full, self.amiss),
            worker("keeping a daemon", self._keep_daemon, self.amiss),
        ]
        words = ["--initial-state", "record", "--data-dir", str(self.data), "--time-per-file", "60"]
        entries = [instance("AggregatorAgent", "aggregator", words)]
        for name in AGENTS:
            words = ["--folder", str(self.published), "--frame-length", str(frame_length_s)]
            if name in self._proxies:
                words += ["--site-hub", f"ws://localhost:{self._proxies[name].port}/ws"]
            entries.append(instance("CountingAgent", name, words))
        self.entries = {str(entry["instance-id"]): entry for entry in entries}
        self.write()

    def begin(self) -> None:
        """Start the daemon, and see that there is one from now on, as systemd does."""
        self.want_daemon(True)
        for each in self._threads:
            each.start()

    def want_daemon(self, wanted: bool) -> None:
        """Say whether a daemon that is not there is to be started."""
        (self._wanted.set if wanted else self._wanted.clear)()

    def pids(self, name: str) -> list[int]:
        """Return the process of an instance, of the router or of the daemon, if there is one."""
        if name == "daemon":
            return self._daemon_pids()
        found = list(copies(self).get(name, []))
        if name == "router":
            # Its worker goes first, for it is what passes messages on.
            return [*(child.pid for pid in found for child in children(pid)), *found]
        return found

    def kill(self, names: Iterable[str]) -> list[tuple[str, int]]:
        """Kill all that live of these; return their names and processes."""
        victims = [(name, pid) for name in names for pid in self.pids(name)]
        return [victim for victim in victims if send(victim[1], signal.SIGKILL)]

    def fill(self, *disks: str) -> None:
        """Have a disk full from now on: ``data`` or ``state``."""
        with self._filling:
            self._full |= {self.folder / each for each in disks}

    def free(self) -> list[str]:
        """Give all disks room; return those that were to be full and never were."""
        with self._filling:
            full, self._full = self._full, set()
            was_full, self._was_full = self._was_full, set()
            for each in full:
                small_disk.free(each)
        return sorted(each.name for each in full - was_full)

    def stall(self, names: Iterable[str]) -> None:
        """Swallow what agents send; `cut` has to follow."""
        for name in names:
            self._proxies[name].stall()

    def cut(self, names: Iterable[str]) -> None:
        """Cut the links of agents."""
        for name in names:
            self._proxies[name].cut()

    def mend(self, names: Iterable[str]) -> None:
        """Let agents connect again."""
        for name in names:
            self._proxies[name].mend()

    def close(self) -> list[str]:
        """End everything, gently and then by force; return what did not end by itself."""
        self.want_daemon(False)
        self._over.set()
        self.free()
        left = super().close()
        for each in self._threads:
            if each.is_alive():
                each.join()
        for proxy in self._proxies.values():
            proxy.close()
        return left

    def unmount(self, keep: bool) -> None:
        """Give up the disks; what is on them can be kept in the folder ``kept``."""
        if keep and self.has_disks:
            for name in ("data", "state"):
                shutil.copytree(
                    self.folder / name, self.folder / "kept" / name, ignore_dangling_symlinks=True
                )
        self._disks.close()

    def _mount(self) -> bool:
        try:
            for name in ("data", "state"):
                self._disks.enter_context(small_disk.mounted(self.folder / name, DISK_SIZE))
        except PermissionError:
            return False
        return True

    def _daemon_pids(self) -> list[int]:
        found = []
        for each in self.processes():
            with contextlib.suppress(psutil.Error):
                words = each.cmdline()
                if "ocsd.daemon" in words or words[:1] == ["ocsd"]:
                    found.append(each.pid)
        return found

    def _keep_full(self) -> None:
        while not self._over.wait(REFILL_S):
            with self._filling:
                for each in self._full:
                    with contextlib.suppress(OSError):  # no room even for another file
                        small_disk.fill(each)
                    if small_disk.is_full(each):
                        self._was_full.add(each)

    def _keep_daemon(self) -> None:
        while not self._over.is_set():
            if self._wanted.is_set() and self.status() is None and not self._daemon_pids():
                self.start().wait()
            self._over.wait(DAEMON_CHECK_S)


def children(pid: int) -> list[psutil.Process]:
    """Return the processes that a process has started and that still live."""
    try:
        return psutil.Process(pid).children()
    except psutil.NoSuchProcess:
        return []


def send(pid: int, number: int) -> bool:
    """Send a signal; tell whether there was somebody to get it."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
