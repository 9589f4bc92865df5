"""The places of ocsd's sockets, state and logs at run time.

Rules: docs/develop/architecture.md, "Where things live at run time". systemd's
variables win, then the places of the Filesystem Hierarchy Standard for root,
then the XDG folders of the user. Each host name has folders of its own, so
several daemons can run on one machine.
"""

import contextlib
import os
import socket
import stat
from pathlib import Path
from typing import NamedTuple

from ocsd.errors import ConfigurationError

# sockaddr_un.sun_path, less its terminating zero (unix(7)).
LONGEST_SOCKET_PATH = 107

NOTIFY_SOCKET = "notify.sock"
ROUTER_SOCKET = "router.sock"
HTTP_SOCKET = "http.sock"
"""Socket for calls over HTTP, of the router of a site with keys."""
ROUTER_FACTS = "router.json"
"""File in the runtime folder of a router's daemon: which hub it serves."""
FORKSERVER_SOCKET = "fork.sock"

SPOOLS = "spool"
"""Folder in the state folder, with the feeds that agents keep."""

SPOOL_VARIABLE = "OCSD_SPOOL_FOLDER"
"""Environment variable with the descriptor of an agent's spool, if it has no other way there."""

RECORDED_BY_VARIABLE = "OCSD_RECORDED_BY_FILE"
"""Environment variable with the file that tells an agent whose aggregator records its feeds."""

RECORDED_AGENTS = "recorded-agents"
"""The file beside it that lists these agents."""


class _Place:
    """A path in one of a host's folders."""

    def __init__(self, folder: str, name: str) -> None:
        self._folder = folder
        self._name = name

    def __get__(self, paths: "HostPaths", owner: type) -> Path:
        folder: Path = getattr(paths, self._folder)
        return folder / self._name


class HostFolders(NamedTuple):
    """The folders of one host's daemon."""

    host: str
    runtime: Path
    state: Path
    logs: Path


class HostPaths(HostFolders):
    """The folders of one host's daemon, and the files in them."""

    __slots__ = ()

    control_socket = _Place("runtime", "control.sock")
    """The daemon's control API."""
    notify_socket = _Place("runtime", NOTIFY_SOCKET)
    """Receives the sd_notify messages of agents."""
    forkserver_socket = _Place("runtime", FORKSERVER_SOCKET)
    """Receives the requests to the fork server."""
    router_socket = _Place("runtime", ROUTER_SOCKET)
    """The router's raw socket for agents of this host."""
    bridge_socket = _Place("runtime", "bridge/router.sock")
    """The raw socket of a host's own router for its bridge, in a folder of its own."""
    pid_file = _Place("runtime", "ocsd.pid")
    """Holds the running daemon's pid, and is locked by it."""
    recorded_by = _Place("runtime", "recorded-by")
    """Tells the agents which host's aggregator records their feeds; empty: the site's."""
    recorded_agents = _Place("runtime", RECORDED_AGENTS)
    """The instance-ids of these agents, for the aggregator of a host with ``record: local``."""
    finished = _Place("runtime", "finished.json")
    """Jobs that are done in this run of the machine."""
    latest_targets = _Place("runtime", "targets.json")
    """The operator's wishes while the disk of `targets` takes nothing."""
    daemon_lock = _Place("state", "daemon.lock")
    """Keeps a second daemon out, even if the runtime folder was removed."""
    targets = _Place("state", "targets.json")
    """The operator's wishes, up or down, remembered over restarts."""
    journal = _Place("state", "journal.jsonl")
    """The record of events of the instances, and of their reasons."""
    audit = _Place("state", "audit")
    """Folder of the audit journal: who did what."""
    sent_logs = _Place("state", "logs-sent.json")
    """Place up to which each log was written as JSON (`ocsd start --log-format json`)."""
    incidents = _Place("state", "incidents")
    """Folders of the examinations of hung processes."""
    spools = _Place("state", SPOOLS)
    """Folders of feeds that agents keep, one for each instance."""
    alarms = _Place("state", "alarms.json")
    """The alarms and messages to people, remembered over restarts."""
    latest_alarms = _Place("runtime", "alarms.json")
    """The same while the disk of `alarms` takes nothing."""
    alarms_socket = _Place("runtime", "alarms.sock")
    """Receives the daemon's requests to the process that evaluates alarms."""
    alarm_attempts = _Place("runtime", "attempts")
    """Folder of the attempts to deliver messages that are under way."""
    router_config = _Place("state", "router")
    """Folder of the generated crossbar configuration."""
    access = _Place("state", "access")
    """Folder of the keys of a closed site (`ocsd.access.store`)."""
    router_http_socket = _Place("runtime", HTTP_SOCKET)
    """The router's socket for calls over HTTP, if the site has keys."""
    authority_certificate = _Place("runtime", "ca.pem")
    """Copy of the certificate of the site's authority that agents of other users can read."""
    daemon_log = _Place("logs", "ocsd.log")
    """The daemon's own log."""
    forkserver_log = _Place("logs", "forkserver.log")
    """The fork server's output; it is empty unless something fails."""

    def instance_log(self, instance_id: str) -> Path:
        """Return the log file of an instance."""
        return self.logs / f"{instance_id}.log"

    def spool(self, instance_id: str) -> Path:
        """Return the folder of the feeds that an instance keeps."""
        return _spool_in(self.state, instance_id)

    def admit_other_users(self) -> None:
        """Let agents that root starts for other users pass through the runtime folder.

        They cannot list it, and may use nothing in it but the notify socket and the router's,
        which is as open to every user as its port. It stays so because such an agent may
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
    """Return the paths of the daemon of `host`, the name of its entry in the site file.

    The entry's ``log-dir`` is used unless systemd gives a logs folder.
    """
    state = state_base()
    if given := os.environ.get("LOGS_DIRECTORY"):
        logs = Path(given) / host
    elif log_dir:
        logs = Path(log_dir).expanduser().absolute()
    elif _is_root():
        logs = Path("/var/log/ocsd") / host
    else:
        logs = state / "log" / host
    return HostPaths(host=host, runtime=runtime_base() / host, state=state / host, logs=logs)


def spool(host: str, instance_id: str) -> Path:
    """Return ``of_host(host).spool(instance_id)``, for which nothing else of it matters."""
    return _spool_in(state_base() / host, instance_id)


def _spool_in(state: Path, instance_id: str) -> Path:
    from urllib.parse import quote

    return state / SPOOLS / quote(instance_id, safe="")


def runtime_base() -> Path:
    """Return the folder that holds one runtime folder for each host."""
    return _base("RUNTIME_DIRECTORY", "/run/ocsd", "XDG_RUNTIME_DIR") or state_base() / "run"


def state_base() -> Path:
    """Return the folder that holds one state folder for each host."""
    given = _base("STATE_DIRECTORY", "/var/lib/ocsd", "XDG_STATE_HOME")
    return given or Path.home() / ".local/state/ocsd"


def _base(of_systemd: str, of_root: str, of_user: str) -> Path | None:
    """Return the folder by systemd's variable, the folder of root, or by the user's variable."""
    if given := os.environ.get(of_systemd):
        return Path(given)
    if _is_root():
        return Path(of_root)
    if folder := os.environ.get(of_user):
        return Path(folder) / "ocsd"
    return None


def identity(path: Path) -> tuple[int, int] | None:
    """Return the device and inode of the file at `path`; None if there is none."""
    try:
        status = path.stat(follow_symlinks=False)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def is_listening(path: Path) -> bool:
    """Whether a process accepts connections on the Unix socket `path`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _is_root() -> bool:
    return os.geteuid() == 0
