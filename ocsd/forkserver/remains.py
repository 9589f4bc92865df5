"""Kills the processes that an ended process left behind in its group and session.

While its parent, the fork server, lives, the fork server does that before the number of the
group can be used again. Without it the number is free, but the kernel gives a new process no
number that is in use as a group or session. So processes with that group or session belong to
the ended process, as long as no other process has that number.
"""

import contextlib
import os
import signal

from ocsd.forkserver.protocol import Spawned
from ocsd.system import proc

MOST_PASSES = 3
"""The most searches; a process that forks during one is found by the next."""


def kill_remains(leader: Spawned) -> None:
    """Kill the processes that an ended process, maybe a zombie, left: they may hold a device."""
    killed: set[int] = set()
    for _ in range(MOST_PASSES):
        fresh = _members(leader) - killed
        for pid in fresh:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        killed |= fresh
        if not fresh:
            return


def _members(leader: Spawned) -> set[int]:
    """Return the living members of its group or session; none if its number is used again."""
    members = set()
    for entry in proc.entries():
        is_same = entry.has_ended and entry.start_ticks == leader.start_ticks
        if entry.pid == leader.pid and not is_same:
            return set()
        if not entry.has_ended and leader.pid in {entry.group, entry.session}:
            members.add(entry.pid)
    return members
