"""The daemon that runs although its control socket is not there."""

from pathlib import Path

from ocsd.system import paths, whereabouts
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
    return f"the daemon of host '{host}' (pid {pid}) {why_silent(int(pid)) or _no_socket(host)}"


def _no_socket(host: str) -> str:
    """Return words for a daemon that can run, but does not listen."""
    looked_at = paths.of_host(host)
    used = whereabouts.of_state(host)
    if used is None:
        return (
            f"runs, but its control socket is not at {looked_at.control_socket}: it is starting, "
            "or makes the socket again within seconds; try again. If that does not help, it "
            "uses another runtime folder: set RUNTIME_DIRECTORY as it was when it was started"
        )
    text = (
        f"runs, but its control socket is not at {used.control_socket}: it is starting, or makes "
        "the socket again within seconds; try again"
    )
    if not used.runtime.parent.exists():
        text += (
            f". {used.runtime.parent} was removed, as logind does with a user's folder at logout "
            "(loginctl enable-linger keeps it): log in as that user, and the socket comes back"
        )
    if used.runtime != looked_at.runtime:
        text += f". The environment of this shell names another runtime folder, {looked_at.runtime}"
    return text


def _is_held(words: list[str], pid: str, inode: int) -> bool:
    # For example: 1: FLOCK  ADVISORY  WRITE 4121 fe:00:2146877 0 EOF
    return words[1:2] == ["FLOCK"] and words[4] == pid and words[5].endswith(f":{inode}")
