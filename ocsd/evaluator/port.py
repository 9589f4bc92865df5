"""The evaluator's Unix socket: a line of JSON from the daemon, and a line as the answer."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.basic import LineOnlyReceiver

from ocsd.errors import OcsdError

LONGEST_ASK_BYTES = 2**16

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class _RequestLine(LineOnlyReceiver):
    # Any: Twisted's interfaces are zope's, which mypy cannot match with classes.
    transport: Any
    delimiter = b"\n"
    MAX_LENGTH = LONGEST_ASK_BYTES
    log = Logger()

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def lineReceived(self, line: bytes) -> None:
        self.transport.write(json.dumps(self._told(line)).encode() + b"\n")
        self.transport.loseConnection()

    def _told(self, line: bytes) -> Mapping[str, Any]:
        try:
            return self._answer(dict(json.loads(line)))
        except OcsdError as error:
            return {"error": {"message": str(error), "exit_code": error.exit_code}}
        except Exception as error:  # noqa: BLE001 - the daemon gets an answer whatever fails
            self.log.failure("a request of the daemon failed")
            return {"error": {"message": f"{type(error).__name__}: {error}", "exit_code": 70}}


class _Requests(Factory):
    noisy = False

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def buildProtocol(self, _addr: Any) -> _RequestLine:
        return _RequestLine(self._answer)


class EvaluatorPort:
    """Listens for requests, again if the socket is removed.

    Only the user of the daemon may use it: the daemon knows who may ask for what.
    """

    def __init__(self, reactor: Any, path: Path, answer: Answer) -> None:
        self._reactor = reactor
        self._path = path
        self._factory = _Requests(answer)
        self._port: Any = None

    def keep_open(self) -> None:
        """Listen, unless it does already.

        Raises
        ------
        OSError
            If the socket cannot be made.
        """
        if self._port is not None and self._path.exists():
            return
        self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        if self._port is not None:
            self._path.touch()  # a port that ends removes the file at its path
            self._port.stopListening()
        self._path.unlink(missing_ok=True)
        self._port = self._reactor.listenUNIX(str(self._path), self._factory, mode=0o600)
