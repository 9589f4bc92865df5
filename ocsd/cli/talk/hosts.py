"""The hosts whose daemons run, or ran, on this machine, and their folders."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ocsd.errors import NoDaemonError, SilentDaemonError
from ocsd.system import paths, whereabouts
from ocsd.system.paths import HostPaths

_SYSTEM_RUNTIME = Path("/run/ocsd")
"""Runtime folder of daemons that systemd or root started; members of their group use it, too."""


def runtime_folders() -> list[Path]:
    """Return the folders in which daemons of this machine may have their folders."""
    own = paths.runtime_base()
    if "RUNTIME_DIRECTORY" in os.environ or own == _SYSTEM_RUNTIME:
        return [own]
    return [own, _SYSTEM_RUNTIME]


def places_of(host: str | None) -> tuple[list[HostPaths], list[Path]]:
    """Return the paths of `host`, or of all hosts, that had a daemon here.

    These are the hosts in the runtime folders, and those whose daemon wrote to its state folder
    that it uses another one.

    Returns
    -------
    places : list of HostPaths
        Their paths.
    denied : list of Path
        Runtime folders that this user may not list.
    """
    found: dict[Path, HostPaths] = {}
    denied: list[Path] = []
    for folder in runtime_folders():
        try:
            names = [host] if host else sorted(os.listdir(folder))
        except PermissionError:
            denied.append(folder)
            continue
        except OSError:
            continue  # nothing ever ran there
        found.update((folder / name, whereabouts.of_runtime(folder / name)) for name in names)
    for recorded in _recorded(host):
        found.setdefault(recorded.runtime, recorded)
    return list(found.values()), denied


def _recorded(host: str | None) -> Iterator[HostPaths]:
    names = [host] if host else []
    with suppress(OSError):
        names = names or sorted(os.listdir(paths.state_base()))
    for name in names:
        if places := whereabouts.of_state(name):
            yield places


def foreign_folders(host: str | None) -> list[Path]:
    """Return the runtime folders, out of those of the environment, in which a fork server runs."""
    own = runtime_folders()
    found = (folder for folder in whereabouts.listening() if folder.parent not in own)
    return [folder for folder in found if host in {None, folder.name}]


def hosts_of_files(host: str | None, error: NoDaemonError) -> list[str]:
    """Return the hosts whose files may be meant if no daemon answers, with this `error`."""
    if host:
        return [host]
    if isinstance(error, SilentDaemonError):
        return [error.host]
    names = {socket.gethostname(), "localhost"}
    for folder in runtime_folders():
        with suppress(OSError):
            names.update(os.listdir(folder))
    names.update(places.host for places in _recorded(None))
    return sorted(names)
