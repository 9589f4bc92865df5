"""The job of systemd for the unit whose ``ExecStop`` this process is (systemd.service(5))."""

import contextlib
import os
import select
import signal
import subprocess

from ocsd.cli.talk import control
from ocsd.errors import NoDaemonError, OcsdError
from ocsd.status import replies
from ocsd.system.proc import why_silent

_RESTARTS = frozenset({"restart", "try-restart"})
_LIST_JOBS_LIMIT_S = 5.0
_LEAVE_LIMIT_S = 5.0


def main_pid() -> int | None:
    """Return the daemon's pid (``$MAINPID``); None if it has ended by itself."""
    try:
        return int(os.environ["MAINPID"])
    except (KeyError, ValueError):
        return None


def is_restart(unit: str) -> bool:
    """Whether a unit such as ``ocsd.service`` is being stopped only to be started again at once.

    If systemd cannot be asked the answer is no, because it ordered a stop.
    """
    command = ["systemctl", "list-jobs", "--plain", "--no-legend", unit]
    # Only the service manager of a user sets it (systemd.exec(5)).
    if "MANAGERPID" in os.environ:
        command.insert(1, "--user")
    try:
        listed = subprocess.run(
            command, capture_output=True, text=True, timeout=_LIST_JOBS_LIMIT_S, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    # For example: 30 ocsd.service restart running
    return any(not _RESTARTS.isdisjoint(line.split()[2:3]) for line in listed.splitlines())


def daemon_of(pid: int) -> control.DaemonClient:
    """Return the daemon that has this pid.

    Raises
    ------
    NoDaemonError
        If none that answers has it.
    """
    for daemon in control.find_all():
        with contextlib.suppress(OcsdError):
            if replies.host_status(daemon.status()).pid == pid:
                return daemon
    what = why_silent(pid) or "does not answer; see: ocsd logs ocsd"
    raise NoDaemonError(f"the daemon (pid {pid}) {what}")


def make_leave(pid: int, limit_s: float = _LEAVE_LIMIT_S) -> None:
    """End only the daemon, by force if need be; its agents go on.

    It returns when the daemon is gone, because systemd would next send it SIGTERM, which
    means to end everything. After `limit_s` the daemon is killed.
    """
    with contextlib.suppress(ProcessLookupError):
        process = os.pidfd_open(pid)
        for number in (signal.SIGQUIT, signal.SIGKILL):
            signal.pidfd_send_signal(process, number)
            if select.select([process], [], [], limit_s)[0]:
                break
        os.close(process)
