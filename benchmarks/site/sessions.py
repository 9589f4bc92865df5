"""Sessions at a router, of programs that run under asyncio."""

import asyncio
import socket
from typing import Any
from urllib.parse import urlsplit

from autobahn.twisted.component import Component

JOIN_LIMIT_S = 120.0


def transport(address: str) -> dict[str, Any]:
    """Return autobahn's words for a router's address: a ``ws://`` URL or the path of a socket."""
    if address.startswith("ws"):
        parts = urlsplit(address)
        # Twisted would resolve the name in a thread, which it starts with the reactor only.
        there = {
            "type": "tcp",
            "host": socket.gethostbyname(parts.hostname or ""),
            "port": parts.port,
        }
        return {"type": "websocket", "url": address, "endpoint": there, "serializers": ["cbor"]}
    endpoint = {"type": "unix", "path": address}
    return {
        "type": "rawsocket",
        "url": "rs://localhost",
        "endpoint": endpoint,
        "serializer": "cbor",
    }


async def joined(address: str, realm: str, count: int) -> list[Any]:
    """Return sessions that have joined a router.

    Parameters
    ----------
    address : str
        A ``ws://`` URL, or the path of a Unix socket.
    realm : str
        The WAMP realm.
    count : int
        How many sessions.

    Raises
    ------
    TimeoutError
        If not all have joined in two minutes.
    """
    from twisted.internet import reactor

    loop = asyncio.get_running_loop()
    waiting = []
    for _ in range(count):
        component = Component(transports=[transport(address)], realm=realm)
        future = loop.create_future()

        def on_join(session: Any, _details: Any, future: Any = future) -> None:
            if not future.done():
                future.set_result(session)

        component.on_join(on_join)
        component.start(reactor)
        waiting.append(future)
    return list(await asyncio.wait_for(asyncio.gather(*waiting), JOIN_LIMIT_S))
