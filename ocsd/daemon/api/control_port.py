"""The socket of the control API."""

from pathlib import Path
from typing import Any

from twisted.internet.defer import maybeDeferred
from twisted.logger import Logger

from ocsd.daemon.watching.lost_files import LostFiles


class ControlPort:
    """Listens for the control API, again if its socket is removed.

    Parameters
    ----------
    reactor : IReactorUNIX
        The reactor.
    path : Path
        The socket; a file in its place is replaced.
    site : twisted.web.server.Site
        The web site to serve.
    lost_files : LostFiles
        Notices that the socket was removed.
    """

    log = Logger()

    def __init__(self, reactor: Any, path: Path, site: Any, lost_files: LostFiles) -> None:
        self._reactor = reactor
        self._path = path
        self._site = site
        self._lost_files = lost_files
        self._port: Any = None

    def open(self) -> None:
        """Begin to listen."""
        self._path.unlink(missing_ok=True)
        self._port = self._reactor.listenUNIX(str(self._path), self._site, mode=0o660)
        self._lost_files.keep(self._path, self._reopen)

    def _reopen(self) -> None:
        port, self._port = self._port, None
        if port is None:
            self.open()
            return
        # A port that ends removes the file at its path: it has to find one, and not the new
        # socket. Accepted connections stay open.
        self._path.touch()
        ending = maybeDeferred(port.stopListening)
        ending.addBoth(lambda _: self.open())
        ending.addErrback(
            lambda failure: self.log.failure("the control API has no socket", failure)
        )
