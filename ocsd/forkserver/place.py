"""The fork server's socket, which is made again if it is removed."""

import contextlib
import os
import socket
from pathlib import Path

from ocsd.system.paths import identity

_BACKLOG = 8


class Place:
    """A Unix socket at a path; daemons connect to its `listener`.

    Raises
    ------
    OSError
        If there is a file already, such as the socket of another fork server.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.listener = self._bound()
        self._identity = identity(path)

    def listen(self) -> None:
        """Let daemons connect."""
        self.listener.listen(_BACKLOG)
        self.listener.setblocking(False)

    @property
    def is_ours(self) -> bool:
        """Whether the socket at the path is this one."""
        return identity(self._path) == self._identity

    @property
    def is_lost(self) -> bool:
        """Whether the path is free; any file there belongs to another fork server."""
        return identity(self._path) is None

    def renew(self) -> None:
        """Listen at the path again, if that is possible."""
        before = self.listener
        # If the folder is missing as well, the daemon makes it.
        with contextlib.suppress(OSError):
            self.listener = self._bound()
            self._identity = identity(self._path)
            before.close()
            self.listen()

    def leave(self) -> None:
        """Remove the socket."""
        self._path.unlink(missing_ok=True)

    def _bound(self) -> socket.socket:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(os.fspath(self._path))
            self._path.chmod(0o600)
        except OSError:
            listener.close()
            raise
        return listener
