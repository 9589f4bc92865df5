"""Finds the site that a command is meant for, and the keys of the hosts of this machine."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ocsd.access.store import AccessStore
from ocsd.cli.talk import hosts
from ocsd.errors import AccessFilesError, NotPermittedError, OcsdError, SeveralDaemonsError
from ocsd.system import paths, whereabouts
from ocsd.system.paths import HostPaths

if TYPE_CHECKING:
    from ocsd.cli.talk.control import DaemonClient
    from ocsd.site.model import Host, Site

_DAEMON_LIMIT_S = 2.0


class Keys(NamedTuple):
    """The keys of a host of this machine."""

    paths: HostPaths

    @property
    def store(self) -> AccessStore:
        """Its files."""
        return AccessStore(self.paths.access)

    def record(self, action: str, target: str, **parameters: Any) -> None:
        """Write into the audit journal what a command has done.

        Raises
        ------
        AccessFilesError
            If that is impossible; what was done is done.
        """
        note(self.paths, action, target, parameters)


def note(places: HostPaths, action: str, target: str, parameters: Mapping[str, Any]) -> None:
    """Write into the audit journal of a host what a command has done.

    Raises
    ------
    AccessFilesError
        If that is impossible; what was done is done.
    """
    from ocsd.cli.talk import audit  # takes 20 ms, and commands that only print need none

    if trouble := audit.record(places, action, target, parameters):
        raise AccessFilesError(f"it is done, but could not be written into the audit: {trouble}")


def site_of(site_file: str | None, host: str | None) -> tuple["Site", "Host"]:
    """Return the site, and its entry of `host` or of this machine.

    Without a site file and ``$OCS_CONFIG_DIR``, they are those of the daemon that runs here.

    Raises
    ------
    SiteFileError
        If there is no site file, or it is wrong.
    UnknownHostError
        If it has no such host.
    """
    from ocsd.site import load

    if site_file is None and "OCS_CONFIG_DIR" not in os.environ:
        site_file, host = _of_daemon(host)
    site = load.load(load.find(site_file))
    return site, load.pick_host(site, host)


def _of_daemon(host: str | None) -> tuple[str | None, str | None]:
    """Return site file and host of the only daemon, or that of `host`; else None and `host`."""
    with suppress(OcsdError, ValueError):
        (daemon,) = _daemons(host)
        file = daemon.status(_DAEMON_LIMIT_S).get("site_file")
        if file and Path(file).is_file():
            return str(file), daemon.host
    return None, host


def _daemons(host: str | None) -> list["DaemonClient"]:
    from ocsd.cli.talk import control

    return [each for each in control.find_all(_DAEMON_LIMIT_S) if host in {None, each.host}]


def of_hub(host: str | None) -> Keys:
    """Return the keys of the host of this machine that runs the router of its site.

    Raises
    ------
    AccessFilesError
        If there is none.
    SeveralDaemonsError
        If there are several, and `host` names none of them.
    """
    found = [each for each in of_machine(host) if each.store.identity().is_hub]
    if not found:
        raise AccessFilesError(
            f"there are no keys of a router here{_searched(host)}; run this on the router's host, "
            "there first: ocsd access init"
        )
    if len(found) > 1:
        names = ", ".join(each.paths.host for each in found)
        raise SeveralDaemonsError(f"there are keys of several hosts here: {names}; say --host")
    return found[0]


def of_machine(host: str | None) -> list[Keys]:
    """Return the keys of all hosts that this machine has, or of one host.

    Raises
    ------
    NotPermittedError
        If this user may not look into the folder of one.
    """
    return [Keys(each) for each in _places(host) if AccessStore(each.access).exists]


def of_host(name: str, log_dir: str | None = None) -> HostPaths:
    """Return the folders that the daemon of a host of this machine uses, or would use."""
    return whereabouts.of_state(name) or paths.of_host(name, log_dir)


def _places(host: str | None) -> Iterator[HostPaths]:
    found = {each.state: each for each in hosts.places_of(host)[0]}
    names = [host] if host else []
    base = paths.state_base()
    with suppress(FileNotFoundError):
        try:
            names = names or sorted(os.listdir(base))
        except PermissionError as error:
            raise NotPermittedError(
                f"cannot look into {base}: {error.strerror}; be the user of the daemon, or use sudo"
            ) from error
    for name in names:
        found.setdefault(base / name, paths.of_host(name))
    yield from found.values()


def _searched(host: str | None) -> str:
    if host:
        return f" for host {host!r}"
    return f" ({paths.state_base()})"
