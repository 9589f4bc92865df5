"""What keeps a process from answering, as far as the kernel tells."""

from typing import Final

_STOPPED: Final = "is stopped (state {state}): kill -CONT {pid}; or {end}"
_WORDS: Final = {
    "T": _STOPPED,
    "t": "is held by a debugger (state {state}): end that; or {end}",
    "D": "waits for a disk or a device (state {state}): wait, or put that right; or {end}",
    "Z": "is dead but not gone (state {state}): end its parent, then ocsd start: agents run on",
}

_HOLDS: Final = {
    "T": "it is stopped (SIGSTOP); `kill -CONT {pid}` lets it go on",
    "t": "it is held by a debugger; end that, and it goes on",
}


def state_of(pid: int) -> str:
    """Return the letter of a process's state (proc(5)); empty if there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            # The name in parentheses may itself hold spaces and parentheses.
            return file.read().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


def what_holds(pid: int) -> str:
    """Return who holds an instance's process, and what to do; empty if nobody does.

    Parameters
    ----------
    pid : int
        The process.
    """
    return _HOLDS.get(state_of(pid), "").format(pid=pid)


def why_silent(pid: int, after_kill: str = "and ocsd start: agents run on") -> str:
    """Return why a process of ocsd's own cannot answer now, and what to do; empty if it could.

    Parameters
    ----------
    pid : int
        The daemon, or another one.
    after_kill : str
        What is to be done, or follows, if it is killed.
    """
    state = state_of(pid)
    end = f"kill -9 {pid} {after_kill}"
    return _WORDS.get(state, "").format(state=state, pid=pid, end=end)
