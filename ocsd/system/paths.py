"""Where ocsd keeps its sockets, state and logs at run time.

Rules: docs/architecture.md, "Where things live at run time". systemd's
variables win, then the places of the Filesystem Hierarchy Standard for root,
then the XDG folders of the user. Each host name has folders of its own, so
several daemons can run on one machine.
"""

import contextlib
import os
import socket
import stat
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ocsd.errors import ConfigurationError

# sockaddr_un.sun_path, less its terminating zero (unix(7)).
LONGEST_SOCKET_PATH = 107

ROUTER_SOCKET = "router.sock"

SPOOL_VARIABLE = "OCSD_SPOOL_FOLDER"
"""Environment variable with the descriptor of an agent's spool, if it has no other way there."""


@dataclass(frozen=True, slots=True)
class HostPaths:
    """The folders and files of one host's daemon."""

    host: str
    runtime: Path
    state: Path
    logs: Path

    @property
    def control_socket(self) -> Path:
        """The daemon's control API."""
        return self.runtime / "control.sock"

    @property
    def notify_socket(self) -> Path:
        """Where agents send their sd_notify messages."""
        return self.runtime / "notify.sock"

    @property
    def forkserver_socket(self) -> Path:
        """Where the fork server takes its requests."""
        return self.runtime / "fork.sock"

    @property
    def router_socket(self) -> Path:
        """The router's raw socket for agents of this host."""
        return self.runtime / ROUTER_SOCKET

    @property
    def pid_file(self) -> Path:
        """Holds the running daemon's pid, and is locked by it."""
        return self.runtime / "ocsd.pid"

    @property
    def finished(self) -> Path:
        """Jobs that are done in this run of the machine."""
        return self.runtime / "finished.json"

    @property
    def daemon_lock(self) -> Path:
        """What keeps a second daemon out, also when the runtime folder was removed."""
        return self.state / "daemon.lock"

    @property
    def targets(self) -> Path:
        """What the operator wants up and down, remembered over restarts."""
        return self.state / "targets.json"

    @property
    def journal(self) -> Path:
        """What happened to the instances, and why."""
        return self.state / "journal.jsonl"

    @property
    def incidents(self) -> Path:
        """Folders of what hung processes were doing."""
        return self.state / "incidents"

    @property
    def spools(self) -> Path:
        """Folders of what agents keep of their feeds, one for each instance."""
        return self.state / "spool"

    @property
    def router_config(self) -> Path:
        """Folder of the generated crossbar configuration."""
        return self.state / "router"

    @property
    def daemon_log(self) -> Path:
        """The daemon's own log."""
        return self.logs / "ocsd.log"

    @property
    def forkserver_log(self) -> Path:
        """What the fork server prints, which is nothing as long as all is well."""
        return self.logs / "forkserver.log"

    def instance_log(self, instance_id: str) -> Path:
        """Return the log file of an instance."""
        return self.logs / f"{instance_id}.log"

    def spool(self, instance_id: str) -> Path:
        """Return the folder of what an instance keeps of its feeds."""
        return self.spools / quote(instance_id, safe="")

    def admit_other_users(self) -> None:
        """Let agents that root starts for other users pass through the runtime folder.

        They cannot list it, and may use nothing in it but the notify socket and the router's,
        which is as open to every user as its port. It stays so, for such an agent may
        outlive the daemon.
        """
        # If it is impossible, the agent's process says which folder is in its way.
        with contextlib.suppress(OSError):
            if _is_root():
                self.runtime.chmod(stat.S_IMODE(self.runtime.stat().st_mode) | stat.S_IXOTH)

    def create(self) -> None:
        """Make the folders.

        Raises
        ------
        ConfigurationError
            If a folder cannot be made or a socket's path would be too long.
        """
        for folder, mode in ((self.runtime, 0o750), (self.state, 0o750), (self.logs, 0o755)):
            try:
                folder.mkdir(mode=mode, parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigurationError(
                    f"cannot make folder {folder}: {error.strerror}; make it writable for this "
                    "user, or set RUNTIME_DIRECTORY, STATE_DIRECTORY and LOGS_DIRECTORY"
                ) from error
        longest = max(
            (self.control_socket, self.notify_socket, self.forkserver_socket, self.router_socket),
            key=lambda path: len(os.fsencode(path)),
        )
        if len(os.fsencode(longest)) > LONGEST_SOCKET_PATH:
            raise ConfigurationError(
                f"the socket path {longest} is longer than the {LONGEST_SOCKET_PATH} bytes that "
                "Linux allows; set RUNTIME_DIRECTORY to a shorter folder"
            )


def of_host(host: str, log_dir: str | None = None) -> HostPaths:
    """Return where the daemon of `host` keeps things.

    Parameters
    ----------
    host : str
        Name of the host's entry in the site file.
    log_dir : str, optional
        The entry's ``log-dir``; used unless systemd gives a logs folder.
    """
    state = state_base()
    given = os.environ.get("LOGS_DIRECTORY")
    if given:
        logs = Path(given) / host
    elif log_dir:
        logs = Path(log_dir).expanduser().absolute()
    elif _is_root():
        logs = Path("/var/log/ocsd") / host
    else:
        logs = state / "log" / host
    return HostPaths(host=host, runtime=runtime_base() / host, state=state / host, logs=logs)


def runtime_base() -> Path:
    """Return the folder that holds one runtime folder for each host."""
    given = os.environ.get("RUNTIME_DIRECTORY")
    if given:
        return Path(given)
    if _is_root():
        return Path("/run/ocsd")
    session = os.environ.get("XDG_RUNTIME_DIR")
    return Path(session) / "ocsd" if session else state_base() / "run"


def identity(path: Path) -> tuple[int, int] | None:
    """Return what tells the file at `path` from one that replaces it; None if there is none."""
    try:
        found = path.stat(follow_symlinks=False)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def is_listening(path: Path) -> bool:
    """Whether somebody accepts connections on the Unix socket `path`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def state_base() -> Path:
    """Return the folder that holds one state folder for each host."""
    given = os.environ.get("STATE_DIRECTORY")
    if given:
        return Path(given)
    if _is_root():
        return Path("/var/lib/ocsd")
    home = os.environ.get("XDG_STATE_HOME")
    return Path(home) / "ocsd" if home else Path.home() / ".local/state/ocsd"


def _is_root() -> bool:
    return os.geteuid() == 0
