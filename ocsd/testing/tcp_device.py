"""A device on the network."""

import selectors
import socket

from ocsd.testing.device import Answer, Device, Line


class TcpDevice(Device):
    """A device on the network.

    Parameters
    ----------
    answer : callable
        Gets one request without its terminator, returns the reply or None.
    terminator : bytes
        Ends a request and a reply. Empty: whatever arrives at once is a request.
    reply_terminator : bytes, optional
        Ends a reply, where that is not `terminator`.
    port : int
        0 for a free one.

    Attributes
    ----------
    host : str
        Address, of the loopback interface.
    port : int
        The port; the same after every `replug`.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        answer: Answer,
        terminator: bytes = b"\n",
        reply_terminator: bytes | None = None,
        port: int = 0,
    ) -> None:
        super().__init__(answer, terminator, reply_terminator)
        self.port = port
        self._listener: socket.socket | None = None

    def drop(self) -> None:
        """Close every connection; new ones are accepted."""
        self._order(self._drop_all)

    def __repr__(self) -> str:
        return f"TcpDevice at {self.host}:{self.port}"

    def _plug_in(self) -> None:
        self._listener = socket.create_server((self.host, self.port))
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)

    def _pull_out(self) -> None:
        if self._listener is not None:
            self._selector.unregister(self._listener)
            self._listener.close()
            self._listener = None

    def _accept(self, _events: int) -> None:
        if self._listener is not None:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return  # the driver has gone again
            self._add(_Connection(connection))


class _Connection(Line):
    """One driver's connection."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().__init__(connection.fileno())
        self._connection = connection

    def close(self) -> None:
        self._connection.close()
