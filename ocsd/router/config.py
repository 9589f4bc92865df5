"""The configuration with which ocsd runs crossbar.

Format: https://crossbar.io/docs/Configuration-Reference (node configuration,
version 2).
"""

import json
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ocsd.access.roles import Role
from ocsd.access.rules import BRIDGE_CALLS, BRIDGE_TOPICS
from ocsd.bus.caller import BRIDGE_ROLE
from ocsd.errors import RouterError
from ocsd.router import program
from ocsd.router.guard.facts import GUARD_FILE, GUARD_VARIABLE, GuardFacts
from ocsd.router.listening import FindAddresses, addresses
from ocsd.router.transports import ANONYMOUS, Secured, secured_ports, web_ports
from ocsd.site.model import Hub

_ROLE = "ocs"


def node_config(
    hub: Hub,
    socket_path: Path,
    secured: Secured | None = None,
    find: FindAddresses = addresses,
    bridge_socket: Path | None = None,
) -> dict[str, Any]:
    """Return crossbar's node configuration for a site.

    Parameters
    ----------
    hub : Hub
        The hub, as the router's host sees it.
    socket_path : Path
        The raw socket for the agents of this host.
    secured : Secured, optional
        The certificate, if the site has one. A guard then decides about everybody
        (`ocsd.router.guard`), and the roles here have no rights, so that nobody has any if there
        were no guard.
    find : callable
        Returns the addresses of this machine for the hub's host and its ``listen``.
    bridge_socket : Path, optional
        A raw socket for the bridge of a host with a router of its own, which may call in the
        name of others.

    Returns
    -------
    dict
        A WebSocket and an HTTP call bridge at the hub's addresses, with TLS if the site is
        closed, a raw socket for the agents of this host at `socket_path`, and every right below
        the site's address root. The HTTP bridge has a role of its own, by which agents know it.

    Raises
    ------
    RouterError
        If the hub's addresses are none of this machine.
    """
    everything = {"call": True, "register": True, "publish": True, "subscribe": True}
    below_root = {
        "uri": f"{hub.address_root}.",
        "match": "prefix",
        "allow": everything,
        "disclose": {"caller": True, "publisher": False},
        "cache": True,
    }
    permissions = [below_root, *_looks("call", BRIDGE_CALLS), *_looks("subscribe", BRIDGE_TOPICS)]
    roles = [{"name": name, "permissions": permissions} for name in (_ROLE, BRIDGE_ROLE)]
    if secured is not None:
        roles = [{"name": str(name), "permissions": []} for name in Role]
    realm = {"name": hub.wamp_realm, "roles": roles}
    raw = {
        "type": "rawsocket",
        "endpoint": {"type": "unix", "path": str(socket_path)},
        "serializers": ["cbor", "json"],
        "auth": ANONYMOUS,
    }
    if secured is None:
        web = web_ports(hub, find=find)
    else:
        web = secured_ports(hub, socket_path, secured, find)
    # crossbar opens its transports in this order: once the raw socket is open,
    # everything is (ocsd.daemon.builtin.router waits for it).
    if bridge_socket is not None:
        auth = {"anonymous": {"type": "static", "role": BRIDGE_ROLE}}
        endpoint = {"type": "unix", "path": str(bridge_socket)}
        web.append({**raw, "endpoint": endpoint, "auth": auth})
    worker = {"type": "router", "realms": [realm], "transports": [*web, raw]}
    return {"version": 2, "controller": {}, "workers": [worker]}


def _looks(action: str, uris: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Yield the permissions to ask who has subscribed and registered what."""
    for uri in sorted(uris):
        yield {"uri": uri, "match": "exact", "allow": {action: True}, "cache": True}


def write(
    folder: Path,
    hub: Hub,
    socket_path: Path,
    secured: Secured | None = None,
    facts: GuardFacts | None = None,
    bridge_socket: Path | None = None,
) -> None:
    """Write the configuration into `folder`, which becomes crossbar's node folder.

    `facts` are for the guard of a site that has keys. Other parameters and errors are those of
    `node_config`.
    """
    config = node_config(hub, socket_path, secured, bridge_socket=bridge_socket)
    if bridge_socket is not None:
        bridge_socket.parent.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    # Nothing uses the keys of the node, and crossbar makes new ones. With keys that another
    # crossbar made it refuses to start, because the address in them is not the one it computes.
    for name in ("key.priv", "key.pub"):
        (folder / name).unlink(missing_ok=True)
    if facts is not None:
        facts.write(folder)
    text = json.dumps(config, indent=2)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")


class NodeStart(NamedTuple):
    """The start of a node of crossbar."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    """Variables to set for it."""


def start(crossbar: str, folder: Path, *, is_guarded: bool = False) -> NodeStart:
    """Return how to start crossbar, given its executable and its node folder.

    Only the crossbar that is installed with ocsd is started by `ocsd.router.crossbar_node` and
    does without the modules of `shadow`: what another version makes of them is not known.

    Parameters
    ----------
    crossbar : str
        Its executable.
    folder : Path
        Its node folder.
    is_guarded : bool
        Whether the guard decides who joins, as on a site with keys.

    Raises
    ------
    RouterError
        If it has to be guarded and is not the one installed with ocsd.
    """
    words = ("start", "--cbdir", str(folder), "--loglevel", "warn")
    if not _is_own(crossbar):
        if is_guarded:
            raise RouterError(
                f"{crossbar} cannot run the router of a site with keys: only the crossbar that is "
                "installed with ocsd can; remove 'bin' from crossbar in the site file, and run: "
                f"{sys.executable} -m pip install 'ocsd[router]'"
            )
        return NodeStart((crossbar, *words), {})
    environment = program.environment()
    if is_guarded:
        environment[GUARD_VARIABLE] = str(folder / GUARD_FILE)
    return NodeStart((*program.COMMAND, *words), environment)


def _is_own(crossbar: str) -> bool:
    """Say whether an executable stands beside the Python that runs ocsd."""
    return Path(crossbar).parent == Path(sys.executable).parent


def find_crossbar(configured: str | None) -> str:
    """Return the crossbar executable: that of ``crossbar: {bin: …}``, or ocsd's own.

    Site files that come from OCS often name one that this machine has not got
    (`ocsd.site.machine` warns of it).

    Raises
    ------
    RouterError
        If there is none; the message says how to install it.
    """
    own = [str(Path(sys.executable).parent / "crossbar"), "crossbar"]
    for candidate in filter(None, (configured, *own)):
        if path := shutil.which(candidate):
            return path
    raise RouterError(
        "this host runs the site's router, but crossbar is not installed; run: "
        f"{sys.executable} -m pip install 'ocsd[router]', or start a router at the hub's address"
    )
