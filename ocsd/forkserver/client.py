"""The daemon's end of the fork server."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet import protocol
from twisted.python.failure import Failure

from ocsd.forkserver.protocol import LineBuffer, Message, Report, Request, encode


class ForkServerConnection(protocol.Protocol):
    """A connection to the fork server.

    Parameters
    ----------
    on_report : callable
        Takes every report, `Hello` first.
    on_lost : callable
        Called without arguments when the connection ends.
    """

    def __init__(self, on_report: Callable[[Report], None], on_lost: Callable[[], None]) -> None:
        self._on_report = on_report
        self._on_lost = on_lost
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
                self._on_report(message)

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        """Report that the fork server is gone."""
        self.connected = 0
        self._on_lost()

    def send(self, request: Request) -> None:
        """Send a request, now or as soon as there is a fork server again."""
        transport: Any = self.transport
        if self.connected and transport is not None:
            transport.write(encode(request))
        else:
            self._waiting.append(request)


class Connector(protocol.ClientFactory):
    """Connects to the fork server, trying until its socket exists.

    Parameters
    ----------
    reactor : IReactorUNIX and IReactorTime
        The reactor.
    path : Path
        The fork server's socket.
    connection : Connection
        The connection to use.
    goes_on : callable
        Returns after each failed attempt whether to try again.
    """

    retry_s = 0.01
    noisy = False

    def __init__(
        self,
        reactor: Any,
        path: Path,
        connection: ForkServerConnection,
        goes_on: Callable[[], bool],
    ) -> None:
        self._reactor = reactor
        self._path = path
        self._connection = connection
        self._goes_on = goes_on

    def connect(self) -> None:
        """Start trying."""
        self._reactor.connectUNIX(str(self._path), self)

    def buildProtocol(self, addr: object) -> ForkServerConnection:
        """Return the one connection."""
        return self._connection

    def clientConnectionFailed(self, connector: object, reason: Failure) -> None:
        """Try again soon: the fork server is just starting."""
        if self._goes_on():
            self._reactor.callLater(self.retry_s, self.connect)
