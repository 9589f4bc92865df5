"""The hosts whose daemons run, or ran, on this machine, and their folders."""

import os
import socket
from dataclasses import replace
from pathlib import Path

from ocsd.errors import NoDaemonError, SilentDaemonError
from ocsd.system import paths
from ocsd.system.paths import HostPaths

_SYSTEM_RUNTIME = Path("/run/ocsd")
"""Runtime folder of daemons that systemd or root started; members of their group use it, too."""


def runtime_folders() -> list[Path]:
    """Return the folders in which daemons of this machine may have their folders."""
    own = paths.runtime_base()
    if "RUNTIME_DIRECTORY" in os.environ or own == _SYSTEM_RUNTIME:
        return [own]
    return [own, _SYSTEM_RUNTIME]


def paths_in(folder: Path, host: str | None) -> list[HostPaths]:
    """Return the paths of `host`, or of all hosts, whose folders are in a runtime folder.

    Raises
    ------
    OSError
        If the folder cannot be listed.
    """
    names = [host] if host else sorted(os.listdir(folder))
    return [replace(paths.of_host(name), runtime=folder / name) for name in names]


def hosts_of_files(host: str | None, error: NoDaemonError) -> list[str]:
    """Return the hosts whose files may be meant if no daemon answers, with this `error`."""
    if host:
        return [host]
    if isinstance(error, SilentDaemonError):
        return [error.host]
    names = {socket.gethostname(), "localhost"}
    for folder in runtime_folders():
        try:
            names.update(os.listdir(folder))
        except OSError:
            continue
    return sorted(names)
