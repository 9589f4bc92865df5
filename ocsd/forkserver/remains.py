"""What a process that has ended left behind in its group and session.

While its parent, the fork server, lives, that one ends it before the number of the
group can be given anew. Here nobody holds the number; but the kernel gives none to a new
process that is in use as a group or session. So what has the number as its session
belongs to the process that has ended, as long as no other process has that number.
"""

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

from ocsd.forkserver.protocol import Spawned

MOST_PASSES = 3
"""What forks while it is looked for is found the next time."""


def kill_remains(leader: Spawned) -> None:
    """Kill what a process that has ended left behind, or it would hold what the next one needs.

    Parameters
    ----------
    leader : Spawned
        The process, which may be a zombie.
    """
    killed: set[int] = set()
    for _ in range(MOST_PASSES):
        fresh = set(_members(leader)) - killed
        for pid in fresh:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        killed |= fresh
        if not fresh:
            return


def _members(leader: Spawned) -> Iterator[int]:
    """Yield who lives in its group or session; nobody if another process has its number."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue  # it has just ended
        pid = int(folder.name)
        state, _, group, session, *fields = stat.rpartition(")")[2].split()
        if pid == leader.pid and (state not in "ZX" or int(fields[15]) != leader.start_ticks):
            return
        if state not in "ZX" and leader.pid in {int(group), int(session)}:
            found.append(pid)
    yield from found
