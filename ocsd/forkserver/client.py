"""The daemon's end of the fork server."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet import protocol
from twisted.python.failure import Failure

from ocsd.forkserver.protocol import LineBuffer, Message, Report, Request, encode


@dataclass(eq=False)
class ForkServerConnection(protocol.Protocol):
    """A connection to the fork server."""

    on_report: Callable[[Report], None]
    """Takes every report, `Hello` first."""
    on_lost: Callable[[], None]
    """Called when the connection ends."""

    def __post_init__(self) -> None:
        self._received = LineBuffer()
        self._waiting: list[Request] = []

    def connectionMade(self) -> None:
        """Send the requests from the time without a fork server."""
        self._received = LineBuffer()
        waiting, self._waiting = self._waiting, []
        for request in waiting:
            self.send(request)

    def dataReceived(self, data: bytes) -> None:
        """Hand every complete report on."""
        message: Message
        for message in self._received.feed(data):
            if isinstance(message, Report):
                self.on_report(message)

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        """Report that the fork server is gone."""
        self.connected = 0
        self.on_lost()

    def send(self, request: Request) -> None:
        """Send a request, now or as soon as there is a fork server again."""
        transport: Any = self.transport
        if self.connected and transport is not None:
            transport.write(encode(request))
        else:
            self._waiting.append(request)


@dataclass(eq=False)
class Connector(protocol.ClientFactory):
    """Connects to the fork server, trying until its socket exists."""

    retry_s = 0.01
    noisy = False

    reactor: Any
    path: Path
    """The fork server's socket."""
    connection: ForkServerConnection
    """The connection to use."""
    goes_on: Callable[[], bool]
    """Returns after each failed attempt whether to try again."""

    def connect(self) -> None:
        """Start trying."""
        self.reactor.connectUNIX(str(self.path), self)

    def buildProtocol(self, addr: object) -> ForkServerConnection:
        """Return the one connection."""
        return self.connection

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:
        """Try again soon: the fork server is just starting."""
        if self.goes_on():
            self.reactor.callLater(self.retry_s, self.connect)
