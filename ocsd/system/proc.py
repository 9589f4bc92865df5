"""The state of processes, as the kernel reports it in /proc (proc(5))."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

_WORDS: Final = {
    "T": "is stopped (state {state}): kill -CONT {pid} lets it go on",
    "t": "is held by a debugger (state {state}): end that, and it goes on",
    "D": "waits for a disk or a device (state {state}): wait, or put that right",
    "Z": "is dead but not gone (state {state}): end its parent, then ocsd start: agents run on",
}

_HOLDS: Final = {
    "T": "it is stopped (SIGSTOP); `kill -CONT {pid}` lets it go on",
    "t": "it is held by a debugger; end that, and it goes on",
}


class ProcessEntry(NamedTuple):
    """One process of this machine, which may be a zombie."""

    pid: int
    """Its number."""
    state: str
    """The letter of its state."""
    group: int
    session: int
    """The numbers of the first process of its group and of its session."""
    start_ticks: int
    """When it was started [clock ticks since boot]."""
    threads: int = 1

    @property
    def has_ended(self) -> bool:
        """Whether only its parent's wait keeps it in the list.

        A process that is killed is a zombie as soon as its first thread has ended. Until the others
        have, it holds its files, sockets and locks.
        """
        return self.state in "ZX" and self.threads <= 1


class ProcessUsage(NamedTuple):
    """The resources that a process uses."""

    start_ticks: int
    """When it was started [clock ticks since boot]."""
    cpu_s: float
    """The processor time that it has used, of its user and of the system [s]."""
    rss_bytes: int
    """Its resident memory."""


def usage_of(pid: int) -> ProcessUsage | None:
    """Return the resources that a process uses, from one small file; None if there is none."""
    try:
        fields = _stat_fields(pid)
        cpu_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return ProcessUsage(int(fields[19]), cpu_s, int(fields[21]) * os.sysconf("SC_PAGE_SIZE"))
    except (OSError, IndexError):
        return None


def entry_of(pid: int) -> ProcessEntry | None:
    """Return the entry of a process; None if there is none."""
    try:
        fields = _stat_fields(pid)
        group, session, threads, started = (int(fields[at]) for at in (2, 3, 17, 19))
        return ProcessEntry(pid, fields[0], group, session, started, threads)
    except (OSError, IndexError):
        return None


def _stat_fields(pid: int) -> list[str]:
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        # The name in parentheses may itself hold spaces and parentheses.
        return file.read().rpartition(")")[2].split()


def entries() -> Iterator[ProcessEntry]:
    """Yield the entry of each process of this machine."""
    for folder in Path("/proc").glob("[0-9]*"):
        if entry := entry_of(int(folder.name)):
            yield entry


def parent_of(pid: int) -> int:
    """Return the parent of a process; 0 if there is no such process."""
    try:
        return int(_stat_fields(pid)[1])
    except (OSError, IndexError, ValueError):
        return 0


def start_ticks(pid: int) -> int:
    """Return when a process was started [clock ticks since boot]; 0 if it has ended."""
    entry = entry_of(pid)
    return 0 if entry is None or entry.has_ended else entry.start_ticks


def is_dying(pid: int) -> bool:
    """Return whether a process is gone or its first thread has ended, if not yet all of them."""
    entry = entry_of(pid)
    return entry is None or entry.state in "ZX"


def age_s(pid: int) -> float | None:
    """Return the age of a process [s], which no change of the wall clock affects; None if gone."""
    ticks = start_ticks(pid)
    if not ticks:
        return None
    since_boot_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    return max(0.0, since_boot_s - ticks / os.sysconf("SC_CLK_TCK"))


def what_holds(pid: int) -> str:
    """Return what keeps an instance's process from running, and what to do; else nothing."""
    return _phrase(_HOLDS, pid)


def why_silent(pid: int) -> str:
    """Return why a process of ocsd's own cannot answer now, and what to do; empty if it could."""
    return _phrase(_WORDS, pid)


def _phrase(phrases: dict[str, str], pid: int) -> str:
    entry = entry_of(pid)
    if entry is None:
        return ""
    return phrases.get(entry.state, "").format(state=entry.state, pid=pid)
