"""Answers that are larger than what the network takes at once."""

from typing import Any, BinaryIO, Final

from twisted.internet.defer import Deferred

LARGE_BYTES: Final = 2**18
"""Size from which an answer is sent piece by piece."""
READER_LIMIT_S: Final = 60.0
"""Time after which a client that takes nothing more is left [s]."""
_PIECE_BYTES: Final = 2**16


class Sending:
    """Sends a file to a client, as fast as that reads, and for as long as it reads at all.

    Written at once, an answer would be cut off a minute after the last byte was given to the
    network's buffers, though the client still reads them.

    Attributes
    ----------
    done : Deferred
        Fires when the network has all of it but the last piece.
    """

    def __init__(self, request: Any, file: BinaryIO, reactor: Any) -> None:
        self._request = request
        self._file = file
        self._reactor = reactor
        self._is_paused = self._is_over = False
        self._timer: Any = None
        self.done: Deferred[None] = Deferred(lambda _: self.stopProducing())
        request.registerProducer(self, True)
        self.resumeProducing()

    # Twisted's interface of producers (IPushProducer)

    def pauseProducing(self) -> None:
        """Wait: the client is behind."""
        self._is_paused = True
        self._rest()
        self._timer = self._reactor.callLater(READER_LIMIT_S, self._leave)

    def resumeProducing(self) -> None:
        """Go on until the client is behind again."""
        self._rest()
        self._is_paused = False
        while not self._is_paused and not self._is_over:
            piece = self._file.read(_PIECE_BYTES)
            if piece:
                self._request.write(piece)
            else:
                self._is_over = True
                self._request.unregisterProducer()
                self.done.callback(None)

    def stopProducing(self) -> None:
        """End: the client is gone."""
        self._is_over = True
        self._rest()

    def _rest(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _leave(self) -> None:
        # It ends the connection, which ends the request and so this.
        self._request.transport.abortConnection()
