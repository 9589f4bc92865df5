"""The daemon that runs although its control socket is not there."""

from pathlib import Path

from ocsd.system import paths
from ocsd.system.proc import why_silent


def describe(host: str | None) -> str:
    """Return a description of each daemon, of `host` or of any, that holds a lock; else nothing."""
    if host is not None:
        return _of_host(host)
    try:
        hosts = sorted(folder.name for folder in paths.state_base().iterdir())
    except OSError:
        return ""
    return "; ".join(filter(None, map(_of_host, hosts)))


def _of_host(host: str) -> str:
    lock = paths.of_host(host).daemon_lock
    try:
        pid = lock.read_text(encoding="ascii", errors="replace").split()[0]
        inode = lock.stat().st_ino
        held = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except (OSError, IndexError):
        return ""
    if not any(_is_held(line.split(), pid, inode) for line in held):
        return ""
    what = why_silent(int(pid)) or (
        "runs, but its control socket is not there: it is starting, or makes the socket again "
        f"within seconds; try again. If that does not help: kill -9 {pid} and ocsd start: "
        "agents run on"
    )
    return f"the daemon of host '{host}' (pid {pid}) {what}"


def _is_held(words: list[str], pid: str, inode: int) -> bool:
    # For example: 1: FLOCK  ADVISORY  WRITE 4121 fe:00:2146877 0 EOF
    return words[1:2] == ["FLOCK"] and words[4] == pid and words[5].endswith(f":{inode}")
