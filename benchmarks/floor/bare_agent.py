"""A process that is to a router what an agent is, of the libraries alone: nothing of ocsd is in it.

It joins, registers the three procedures of an agent, publishes a heartbeat of an agent's size each
second, and answers the calls by which the stop watch looks at agents. (An agent of an open site
subscribes to nothing.) It checks, watches, logs, spools and acquires nothing.
"""

import os
import sys
import time
from typing import Any, Final

import twisted.internet.epollreactor
from autobahn.twisted.rawsocket import WampRawSocketClientFactory
from autobahn.twisted.wamp import ApplicationSession
from autobahn.twisted.websocket import WampWebSocketClientFactory
from autobahn.wamp.message import Publish
from autobahn.wamp.serializer import CBORSerializer
from autobahn.wamp.types import ComponentConfig
from autobahn.websocket.util import parse_url
from twisted.internet.defer import DeferredList
from twisted.internet.endpoints import TCP4ClientEndpoint, UNIXClientEndpoint

assert twisted.internet.epollreactor  # loaded here; the reactor itself is made after the fork

RUNNING_CODE: Final = 3
DONE_CODE: Final = 5
"""Codes of operations in a heartbeat (docs/reference/wire.md)."""

SLOT_OF_BEATS_S: Final = 0.25
"""Beats of all processes come at multiples of this, as those of ocsd's agents do [s]."""


class BareAgent(ApplicationSession):  # type: ignore[misc] # autobahn is untyped
    """The session of such a process.

    Parameters
    ----------
    reactor : object
        Twisted's.
    realm, address : str
        The realm to join, and the address to register.
    """

    def __init__(self, reactor: Any, realm: str, address: str) -> None:
        super().__init__(ComponentConfig(realm))
        self._reactor = reactor
        self._address = address
        self._operation: dict[str, Any] = {}
        self._beat_due_s = 0.0
        self._encoded = b""
        self._message: list[Any] = []

    def onJoin(self, details: Any) -> None:
        """Register all, in one go."""
        procedures = {
            f"{self._address}.ops": self._answer,
            self._address: self._describe,
            f"{self._address}.spool": self._describe,
        }
        asked = [self.register(function, name) for name, function in procedures.items()]
        DeferredList(asked, fireOnOneErrback=True).addCallbacks(self._begin, self._fail)

    def onLeave(self, details: Any) -> None:
        """End: an agent without a router is not what is measured."""
        self._fail(details)

    def _begin(self, _: object) -> None:
        self._turn("running")
        now_s = self._reactor.seconds()
        self._beat_due_s = now_s - now_s % SLOT_OF_BEATS_S
        self._beat()

    def _turn(self, status: str) -> None:
        now_at = time.time()
        if status == "running":
            self._operation = {"op_name": "acq", "start_time": now_at, "messages": []}
        self._operation["status"] = status
        self._operation["messages"].append((now_at, f'Status is now "{status}".'))
        message = heartbeat(self._address, status)
        published = Publish(1, f"{self._address}.feeds.heartbeat", args=[message])
        encoded = CBORSerializer().serialize(published)[0]
        self._message, self._encoded = message, len(encoded).to_bytes(4) + encoded

    def _beat(self) -> None:
        now_s = self._reactor.seconds()
        self._beat_due_s += (now_s - self._beat_due_s) // 1.0 + 1.0
        self._reactor.callLater(self._beat_due_s - now_s, self._beat)
        if self._transport is None:
            return
        if isinstance(self._transport.factory, WampRawSocketClientFactory):
            # The cheapest way: encoded once (the router does not compare the numbers of requests),
            # and written without another turn of the reactor.
            self._transport.transport.writeSomeData(self._encoded)
        else:
            self.publish(f"{self._address}.feeds.heartbeat", self._message)

    def _describe(self, *_arguments: object, **_more: object) -> dict[str, Any]:
        return {"agent_class": "BareAgent", "instance_pid": os.getpid()}

    def _answer(self, action: str, _op: str, *_more: object, **_others: object) -> list[Any]:
        if action in ("start", "stop"):
            self._turn({"start": "running", "stop": "done"}[action])
        return [0, "", self._operation]

    def _fail(self, why: object) -> None:
        print(f"{self._address}: {why}", file=sys.stderr, flush=True)
        os._exit(1)


def heartbeat(address: str, status: str) -> list[Any]:
    """Return the heartbeat of an agent with two operations and a feed, as ocsd's are."""
    codes = {"acq": RUNNING_CODE if status == "running" else DONE_CODE, "count": RUNNING_CODE}
    info = {
        "agent_address": address,
        "agg_params": {},
        "feed_name": "heartbeat",
        "address": f"{address}.feeds.heartbeat",
        "record": False,
        "session_id": f"{time.time():.7f}",
        "agent_class": "FakeDataAgent",
        "feeds": {"false_temperatures": 1},
        "seq": 1,
    }
    return [codes, info]


def live(router: str, realm: str, address: str) -> None:
    """Join a router and stay until a signal ends this process.

    Parameters
    ----------
    router : str
        Its ``ws://`` URL, or the path of its Unix socket.
    realm, address : str
        See `BareAgent`.
    """
    from twisted.internet import reactor as _reactor

    reactor: Any = _reactor  # twisted types it as a module

    def session() -> BareAgent:
        return BareAgent(reactor, realm, address)

    if router.startswith("ws:"):
        _, host, port, *_ = parse_url(router)
        factory = WampWebSocketClientFactory(session, url=router, serializers=[CBORSerializer()])
        factory.setProtocolOptions(tcpNoDelay=True)
        endpoint: Any = TCP4ClientEndpoint(reactor, host, port)
    else:
        factory = WampRawSocketClientFactory(session, serializer=CBORSerializer())
        endpoint = UNIXClientEndpoint(reactor, router)  # type: ignore[no-untyped-call] # Twisted's
    opening = endpoint.connect(factory)
    opening.addErrback(lambda failure: os.write(2, f"{address}: {failure.value}\n".encode()))
    reactor.run(installSignalHandlers=False)
