"""The daemon that runs although nobody finds its socket."""

from pathlib import Path

from ocsd.system import paths
from ocsd.system.proc import why_silent


def of_host(host: str) -> str:
    """Return what is to be known of a daemon that holds a host's lock; empty if none does.

    Parameters
    ----------
    host : str
        Its host name.
    """
    lock = paths.of_host(host).daemon_lock
    try:
        pid = lock.read_text(encoding="ascii", errors="replace").split()[0]
        inode = lock.stat().st_ino
        held = Path("/proc/locks").read_text(encoding="ascii").splitlines()
    except (OSError, IndexError):
        return ""
    # For example: 1: FLOCK  ADVISORY  WRITE 4121 fe:00:2146877 0 EOF
    words = [line.split() for line in held]
    if not any(
        each[1:2] == ["FLOCK"] and each[4:5] == [pid] and each[5].endswith(f":{inode}")
        for each in words
    ):
        return ""
    what = why_silent(int(pid)) or (
        "runs, but its control socket is not there: it starts, or makes the socket anew "
        f"within seconds; try again. If that does not help: kill -9 {pid} and ocsd start: "
        "agents run on"
    )
    return f"the daemon of host '{host}' (pid {pid}) {what}"


def of_any() -> list[str]:
    """Return the same for every host whose daemon ever ran here, as far as one does."""
    try:
        hosts = sorted(paths.state_base().iterdir())
    except OSError:
        return []
    return [told for folder in hosts if (told := of_host(folder.name))]
