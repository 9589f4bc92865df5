"""Routers of this machine that offer a Unix raw socket.

Several daemons may run on one machine. Each that runs a router says so in its
runtime folder, so that the agents of the others need no WebSocket to reach it.
"""

import json
from pathlib import Path

from ocsd.site.model import Hub
from ocsd.system.paths import ROUTER_FACTS, ROUTER_SOCKET, is_listening, runtime_base


def announce(folder: Path, hub: Hub, *, is_guarded: bool = False, has_port: bool = True) -> None:
    """Write to a runtime folder which hub the router with its socket there serves.

    A guarded router also has a socket for calls over HTTP (`ocsd.access.entrance`).
    """
    facts = {**_facts(hub), "http": hub.wamp_http, "guarded": is_guarded, "port": has_port}
    (folder / ROUTER_FACTS).write_text(json.dumps(facts) + "\n", encoding="utf-8")


def find(hub: Hub) -> Path | None:
    """Return the raw socket of a router of this machine that serves `hub`, if there is one."""
    for file in sorted(runtime_base().glob(f"*/{ROUTER_FACTS}")):
        try:
            facts = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue  # another user's, or just being written
        socket = file.parent / ROUTER_SOCKET
        wanted = _facts(hub)
        fits = isinstance(facts, dict) and wanted.items() <= facts.items()
        if fits and is_listening(socket):
            return socket
    return None


def _facts(hub: Hub) -> dict[str, str]:
    return {"url": hub.wamp_server, "realm": hub.wamp_realm, "address_root": hub.address_root}
