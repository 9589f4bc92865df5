"""The socket of the control API."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.logger import Logger

from ocsd.daemon.watching.lost_files import LostFiles


@dataclass(eq=False)
class ControlPort:
    """Listens for the control API, again if its socket is removed."""

    log = Logger()

    reactor: Any
    path: Path
    """The socket; a file in its place is replaced."""
    site: Any
    """The web site to serve."""
    lost_files: LostFiles
    """Notices that the socket was removed."""

    def __post_init__(self) -> None:
        self._port: Any = None

    def open(self) -> None:
        """Begin to listen."""
        self.path.unlink(missing_ok=True)
        self._port = self.reactor.listenUNIX(str(self.path), self.site, mode=0o660)
        self.lost_files.keep(self.path, self._reopen)

    def _reopen(self) -> None:
        port, self._port = self._port, None
        if port is None:
            self.open()
            return
        # A port that ends removes the file at its path: it has to find one, and not the new
        # socket. Accepted connections stay open.
        self.path.touch()
        ending = maybeDeferred(port.stopListening)
        ending.addBoth(lambda _: self.open())
        ending.addErrback(
            lambda failure: self.log.failure("the control API has no socket", failure)
        )
