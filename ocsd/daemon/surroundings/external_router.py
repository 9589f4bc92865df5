"""Asks a router that this daemon does not run, again and again, whether it answers."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from twisted.internet.protocol import ClientFactory

from ocsd.daemon.children.asking import Asking
from ocsd.router import probe
from ocsd.site.model import Hub

PATIENCE_S: Final = 8.0
"""Silence of a router that counts [s]; it is asked every five seconds."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether a router can be reached."""

    health: str | None = None
    """``ok``, ``hung``, or None before the first answer."""
    reason: str = ""
    """The fault; empty if there is none."""


def reach(waited_s: float, answered: bool, url: str) -> Reach:
    """Return whether the router at `url` can be reached.

    It has not answered for `waited_s` [s]; `answered` says whether it ever did.
    """
    if waited_s >= PATIENCE_S:
        return Reach("hung", f"not reachable for {waited_s:.0f} s: no answer at {url}")
    if not answered:
        return Reach()
    return Reach("ok")


class ExternalRouter:
    """Knows whether the router at the hub's address can be reached."""

    def __init__(self, hub: Hub, reactor: Any) -> None:
        self._url = hub.wamp_server
        self._reactor = reactor
        self._answered = False
        # A server with TLS answers no plain question: that it takes a connection has to do.
        parts = urlsplit(self._url)
        question = None
        if parts.scheme != "wss":
            question = probe.upgrade_request(parts)
        self._asking = Asking(self._connect, question, self._note_answer, reactor)

    def start(self) -> None:
        """Ask from now on."""
        self._asking.start()

    def reach(self) -> Reach:
        """Return whether it can be reached now."""
        return reach(self._asking.waited_s, self._answered, self._url)

    def _note_answer(self) -> None:
        self._answered = True

    def _connect(self, factory: ClientFactory) -> Any:
        parts = urlsplit(self._url)
        host = parts.hostname or "localhost"
        return self._reactor.connectTCP(host, probe.port_of(parts), factory)
