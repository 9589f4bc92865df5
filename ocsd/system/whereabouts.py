"""The folders that a host's daemon uses, for processes whose environment names others.

``sudo``, cron, and ssh without ``XDG_RUNTIME_DIR`` change the environment, and with it the
runtime folder that `ocsd.system.paths` computes. So each daemon writes down its folders, in its
state folder and in its runtime folder. The kernel's list of sockets names the rest.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from ocsd.system import files, paths
from ocsd.system.paths import HostPaths

_FOLDERS_FILE: Final = "folders.json"
_SOCKETS: Final = Path("/proc/net/unix")
_LISTENS: Final = b"00010000"  # __SO_ACCEPTCON, the flags of a socket that listens


class Whereabouts(NamedTuple):
    """The folders of a daemon, and the router of its site."""

    paths: HostPaths
    hub: str = ""
    """The site's router, realm and address root."""
    addresses: Mapping[str, str] = MappingProxyType({})
    """The same by their keys in the site file, with the router's call bridge; empty if the daemon
    is of an older release."""

    def write(self) -> None:
        """Write this to the state folder and to the runtime folder.

        Raises
        ------
        OSError
            If one of them cannot be written; the other is written nevertheless.
        """
        places = self.paths
        facts = {
            "host": places.host,
            "runtime": str(places.runtime),
            "state": str(places.state),
            "logs": str(places.logs),
            "hub": self.hub,
            "addresses": dict(self.addresses),
        }
        content = json.dumps(facts).encode() + b"\n"
        try:
            files.replace(places.runtime / _FOLDERS_FILE, content)
        finally:
            files.replace(places.state / _FOLDERS_FILE, content)


def read(folder: Path) -> Whereabouts | None:
    """Return what a daemon wrote to its runtime or state folder; None if there is nothing.

    Raises
    ------
    PermissionError
        If this user may not read it.
    """
    try:
        facts = json.loads((folder / _FOLDERS_FILE).read_bytes())
        runtime, state, logs = (Path(facts[name]) for name in ("runtime", "state", "logs"))
        places = HostPaths(facts["host"], runtime, state, logs)
        return Whereabouts(places, str(facts["hub"]), dict(facts.get("addresses", {})))
    except PermissionError:
        raise
    except (OSError, ValueError, KeyError, TypeError):
        return None


def of_state(host: str) -> HostPaths | None:
    """Return the folders that the last daemon of `host` with this state folder has used."""
    with suppress(PermissionError):
        if found := read(paths.of_host(host).state):
            return found.paths
    return None


def of_runtime(folder: Path) -> HostPaths:
    """Return the folders of the daemon whose runtime folder is `folder`."""
    with suppress(PermissionError):
        found = read(folder)
        if found is not None and found.paths.runtime == folder:
            return found.paths
    computed = paths.of_host(folder.name)
    return HostPaths(computed.host, folder, computed.state, computed.logs)


def listening() -> list[Path]:
    """Return the runtime folders in which a fork server listens, of all users of this machine."""
    try:
        lines = _SOCKETS.read_bytes().splitlines()
    except OSError:
        return []
    return sorted(set(_folders(lines)))


def running_sites() -> tuple[dict[str, Mapping[str, str]], list[Path]]:
    """Return the sites of which something runs on this machine.

    An environment that names a runtime folder asks for that one.

    Returns
    -------
    sites : dict of str to mapping
        The addresses of each site by its first host.
    closed : list of Path
        Runtime folders that this user may not read.
    """
    sites: dict[str, Mapping[str, str]] = {}
    closed = []
    for folder in listening():
        if "RUNTIME_DIRECTORY" in os.environ and folder.parent != paths.runtime_base():
            continue
        try:
            found = read(folder)
        except PermissionError:
            closed.append(folder)
            continue
        if found is not None and found.addresses and found.addresses not in sites.values():
            sites[found.paths.host] = found.addresses
    return sites, closed


def _folders(lines: list[bytes]) -> Iterator[Path]:
    # For example: 00000000: 00000002 00000000 00010000 0001 01 2416 /run/ocsd/lab/fork.sock
    ending = b"/" + paths.FORKSERVER_SOCKET.encode()
    for line in lines:
        words = line.split(maxsplit=7)
        # A path may have a line feed in it, so a line may be anything.
        if len(words) == 8 and words[7].endswith(ending) and words[3] == _LISTENS:
            yield Path(os.fsdecode(words[7])).parent


def is_bound(path: Path) -> bool:
    """Whether a process listens at the Unix socket `path`, even if the file was removed."""
    with suppress(OSError):
        ending = b" " + os.fsencode(path)
        return any(line.endswith(ending) for line in _SOCKETS.read_bytes().splitlines())
    return False
