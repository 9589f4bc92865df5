"""Finds what an earlier daemon of this host has left running, wherever that is.

No instance is ever started a second time, whatever folders the environment names.
"""

from pathlib import Path

from ocsd.errors import DaemonRunningError
from ocsd.forkserver import record
from ocsd.router.probe import is_open
from ocsd.site.model import Hub
from ocsd.system import whereabouts
from ocsd.system.paths import HostPaths
from ocsd.text.logins import without_logins


def in_use(places: HostPaths) -> HostPaths:
    """Return `places` with the runtime folder in which processes of an earlier daemon run.

    Without such processes they stay as they are. The lock of the state folder must be held.
    """
    earlier = whereabouts.of_state(places.host)
    if earlier is None or earlier.runtime == places.runtime:
        return places
    if not _runs_something(earlier):
        return places
    return places._replace(runtime=earlier.runtime)


def _runs_something(places: HostPaths) -> bool:
    server = places.forkserver_socket
    return whereabouts.is_bound(server) or bool(record.read(record.beside(server)).living)


def refuse_second_copy(places: HostPaths, hub: Hub) -> None:
    """Refuse to start a host that runs with other folders for the same site.

    The site is the same if router, realm and address root are. That of another user cannot be
    read: then it is taken for the same one if the router of `hub` is there already. A daemon that
    takes over what runs with its own folders starts no second copy.

    Raises
    ------
    DaemonRunningError
        If that is the case.
    """
    if _runs_something(places):
        return
    for folder in whereabouts.listening():
        if folder.name == places.host and _serves(folder, hub):
            raise DaemonRunningError(_refusal(places, folder))


def named(hub: Hub) -> str:
    """Return words for a hub, equal for all hosts of one site: several sites may share a router."""
    return f"{without_logins(hub.wamp_server)} {hub.wamp_realm} {hub.address_root}"


def _serves(folder: Path, hub: Hub) -> bool:
    try:
        found = whereabouts.read(folder)
    except PermissionError:
        return is_open(hub.wamp_server)
    # A daemon that is just starting has written nothing yet, and may be of any site. The folder of
    # another machine, as of a container that shares only the network, is not there.
    return found is not None and found.hub == named(hub)


def _refusal(places: HostPaths, folder: Path) -> str:
    return (
        f"ocsd runs host {places.host!r} already, with other folders: its runtime folder is "
        f"{folder}, and this start would use {places.runtime} and {places.state}. Its agents "
        "would run twice; to go on with them, be their user and set "
        f"RUNTIME_DIRECTORY={folder.parent}{_state(folder)}; to end them, do that and run: "
        f"ocsd stop --host {places.host}"
    )


def _state(folder: Path) -> str:
    try:
        found = whereabouts.read(folder)
    except PermissionError:
        return ""
    if found is None:
        return ""
    return f" STATE_DIRECTORY={found.paths.state.parent}"
