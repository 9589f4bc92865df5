"""The configuration with which ocsd runs crossbar.

Format: https://crossbar.io/docs/Configuration-Reference (node configuration,
version 2).
"""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from ocsd.bus.caller import BRIDGE_ROLE
from ocsd.errors import RouterError
from ocsd.site.model import Hub
from ocsd.system.address import port_of

_ROLE = "ocs"
_ANONYMOUS = {"anonymous": {"type": "static", "role": _ROLE}}
_PING = {"auto_ping_interval": 10000, "auto_ping_timeout": 5000}  # [ms]
_LOCAL_HOSTS = {"localhost", "127.0.0.1", "::1"}


def node_config(hub: Hub, socket_path: Path) -> dict[str, Any]:
    """Return crossbar's node configuration for a site.

    Returns
    -------
    dict
        A WebSocket and an HTTP call bridge at the hub's addresses, a raw socket for the agents
        of this host at `socket_path`, and every right below the site's address root. The HTTP
        bridge has a role of its own, by which agents know it.
    """
    everything = {"call": True, "register": True, "publish": True, "subscribe": True}
    below_root = {
        "uri": f"{hub.address_root}.",
        "match": "prefix",
        "allow": everything,
        "disclose": {"caller": True, "publisher": False},
        "cache": True,
    }
    realm = {
        "name": hub.wamp_realm,
        "roles": [{"name": name, "permissions": [below_root]} for name in (_ROLE, BRIDGE_ROLE)],
    }
    raw = {
        "type": "rawsocket",
        "endpoint": {"type": "unix", "path": str(socket_path)},
        "serializers": ["cbor", "json"],
        "auth": _ANONYMOUS,
    }
    # crossbar opens its transports in this order: once the raw socket is open,
    # everything is (ocsd.daemon.builtin.router waits for it).
    worker = {"type": "router", "realms": [realm], "transports": [*_web(hub), raw]}
    return {"version": 2, "controller": {}, "workers": [worker]}


def _web(hub: Hub) -> list[dict[str, Any]]:
    """Return the web transports: one, or two if the bridge has a port of its own."""
    ws, call = urlsplit(hub.wamp_server), urlsplit(hub.wamp_http)
    websocket = {
        "type": "websocket",
        "serializers": ["cbor", "msgpack", "json"],
        "auth": _ANONYMOUS,
        "options": _PING,
    }
    # No `post_body_limit`: crossbar ends if it is above 1 MiB, and calls may have 16 MiB
    # (`ocsd.router.callers` refuses larger ones).
    bridge = {"type": "caller", "realm": hub.wamp_realm, "role": BRIDGE_ROLE}
    # Nothing at "/": crossbar's node page there is a leaf and would answer for
    # every path below it as well.
    ws_path, call_path = _path(ws.path), _path(call.path)
    servers = [(ws, {ws_path: websocket}), (call, {call_path: bridge})]
    if port_of(ws) == port_of(call):
        servers = [(ws, {ws_path: websocket, call_path: bridge})]
    return [{"type": "web", "endpoint": _endpoint(url), "paths": paths} for url, paths in servers]


def _endpoint(url: SplitResult) -> dict[str, Any]:
    endpoint: dict[str, Any] = {"type": "tcp", "port": port_of(url), "backlog": 1024}
    if url.hostname in _LOCAL_HOSTS:
        endpoint["interface"] = "127.0.0.1"
    return endpoint


def _path(path: str) -> str:
    """Return a path as crossbar names it: without the leading slash."""
    return path.strip("/") or "ws"


def write(folder: Path, hub: Hub, socket_path: Path) -> None:
    """Write the configuration into `folder`, which becomes crossbar's node folder."""
    folder.mkdir(parents=True, exist_ok=True)
    # Nothing uses the keys of the node, and crossbar makes new ones. With keys that another
    # crossbar made it refuses to start, because the address in them is not the one it computes.
    for name in ("key.priv", "key.pub"):
        (folder / name).unlink(missing_ok=True)
    text = json.dumps(node_config(hub, socket_path), indent=2)
    (folder / "config.json").write_text(text + "\n", encoding="utf-8")


class NodeStart(NamedTuple):
    """The start of a node of crossbar."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    """Variables to set for it."""


def start(crossbar: str, folder: Path) -> NodeStart:
    """Return how to start crossbar, given its executable and its node folder.

    Only the crossbar that is installed with ocsd is started by `ocsd.router.crossbar_node` and
    does without the modules of `shadow`: what another version makes of them is not known.
    """
    words = ("start", "--cbdir", str(folder), "--loglevel", "warn")
    if not _is_own(crossbar):
        return NodeStart((crossbar, *words), {})
    paths = [str(Path(__file__).parent / "shadow"), os.environ.get("PYTHONPATH", "")]
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return NodeStart((sys.executable, "-P", "-m", "ocsd.router.crossbar_node", *words), environment)


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
