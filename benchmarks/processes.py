"""What Linux says about processes: memory, processor time, the moment of the end."""

import os
import select
import time
from collections.abc import Iterable
from pathlib import Path

import psutil

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def pss_bytes(pid: int) -> int:
    """Return the proportional set size of a process [bytes].

    Pages that n processes share count 1/n for each, so a sum over processes is
    what they really take (proc_pid_smaps(5)).
    """
    return _bytes_in(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")


def peak_bytes(pid: int) -> int:
    """Return the most memory that a process has had so far [bytes].

    Raises
    ------
    OSError
        If it has ended.
    """
    return _bytes_in(Path(f"/proc/{pid}/status"), "VmHWM:")


def _bytes_in(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(f"{path} has no line {name}")  # as that of a zombie


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used, user and system [s]."""
    # The name, second field, may hold spaces and brackets (proc_pid_stat(5)).
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def running_s(pid: int) -> float:
    """Return the processor time of a process's threads that live now, to the nanosecond [s].

    Ticks are too coarse for an idle agent, which takes a few in a minute.
    """
    # The threads' first number (Documentation/scheduler/sched-stats.rst of Linux).
    threads = Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def family(pid: int) -> list[int]:
    """Return the pids of a process and of all its descendants."""
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def parent_of(pid: int) -> int:
    """Return the pid of a process's parent."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


class EndWatch:
    """Sees when the last of some processes ends, to the millisecond.

    Parameters
    ----------
    pids : iterable of int
        Processes that live now.
    """

    def __init__(self, pids: Iterable[int]) -> None:
        self._poll = select.poll()
        self._descriptors: dict[int, int] = {}
        for pid in pids:
            descriptor = os.pidfd_open(pid)
            self._descriptors[descriptor] = pid
            self._poll.register(descriptor, select.POLLIN)

    def wait(self, limit_s: float) -> float:
        """Wait for the last of them.

        Returns
        -------
        float
            When it ended, on the monotonic clock [s].

        Raises
        ------
        TimeoutError
            If some still live after `limit_s`; the text names them.
        """
        deadline = time.monotonic() + limit_s
        while self._descriptors:
            left_ms = (deadline - time.monotonic()) * 1000
            if left_ms <= 0:
                alive = sorted(self._descriptors.values())
                raise TimeoutError(f"still alive after {limit_s:g} s: {alive}")
            for descriptor, _ in self._poll.poll(left_ms):
                self._forget(descriptor)
        return time.monotonic()

    def close(self) -> None:
        """Let go of the processes that still live."""
        for descriptor in list(self._descriptors):
            self._forget(descriptor)

    def _forget(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        os.close(descriptor)
        del self._descriptors[descriptor]
