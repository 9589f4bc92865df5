"""Notices of the system that files have grown (inotify(7)), without a wake-up while none has."""

import ctypes
import errno
import os
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from ocsd.reactor.threads import the_reactor

IN_MODIFY: Final = 0x2
IN_MOVED_TO: Final = 0x80
IN_CREATE: Final = 0x100
IN_DELETE: Final = 0x200
IN_Q_OVERFLOW: Final = 0x4000
IN_IGNORED: Final = 0x8000
IN_ONLYDIR: Final = 0x1000000
IN_ONESHOT: Final = 0x80000000

_OF_FOLDER: Final = IN_CREATE | IN_MOVED_TO | IN_ONLYDIR
_OF_FEED: Final = IN_MODIFY | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_ONLYDIR | IN_ONESHOT

_EVENT: Final = struct.Struct("iIII")
_READ_BYTES: Final = 2**16

GATHER_NOTICES_S: Final = 0.25
"""Time after the first notice in which others are gathered [s]: a batch costs less."""


class Notices:
    """The notices of one process; all methods belong to the thread that takes them.

    Raises
    ------
    OSError
        If the system has none left for this user.
    """

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = self._checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        self._paths: dict[int, str] = {}

    def watch_folder(self, path: str) -> None:
        """Ask for a notice of each new entry of a folder; raises OSError if there is none left."""
        self._watch(path, _OF_FOLDER)

    def watch_feed(self, path: str) -> None:
        """Ask for one notice that a file of a folder has grown, once; raises as above."""
        self._watch(path, _OF_FEED)

    def take(self) -> set[str] | None:
        """Return the folders of all notices up to now; None if some were lost."""
        found: set[str] = set()
        complete = True
        while data := self._read():
            place = 0
            while place < len(data):
                watch, mask, _, length = _EVENT.unpack_from(data, place)
                place += _EVENT.size + length
                complete = complete and not mask & IN_Q_OVERFLOW
                path = self._paths.get(watch)
                if mask & IN_IGNORED:
                    self._paths.pop(watch, None)
                elif path is not None:
                    found.add(path)
        return found if complete else None

    def close(self) -> None:
        """End all notices."""
        os.close(self.descriptor)

    def _watch(self, path: str, mask: int) -> None:
        watch = self._libc.inotify_add_watch(self.descriptor, os.fsencode(path), mask)
        self._paths[self._checked(watch)] = path

    def _read(self) -> bytes:
        with suppress(BlockingIOError):
            return os.read(self.descriptor, _READ_BYTES)
        return b""

    @staticmethod
    def _checked(result: int) -> int:
        if result < 0:
            number = ctypes.get_errno() or errno.EIO
            raise OSError(number, os.strerror(number))
        return result


class Waking:
    """Calls `wake` when there are notices, and then not again before `go_on` (reactor thread)."""

    def __init__(self, descriptor: int, wake: Callable[[], None]) -> None:
        self._descriptor = descriptor
        self._wake = wake
        self._timer: Any = None
        self._is_closed = False

    def go_on(self) -> None:
        """Wait for the next notice."""
        if not self._is_closed and self._timer is None:
            the_reactor().addReader(self)

    def close(self) -> None:
        """Stop waiting."""
        self._is_closed = True
        the_reactor().removeReader(self)
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    # For the reactor.

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._descriptor

    def logPrefix(self) -> str:
        """Return a name for logs."""
        return "notices"

    def doRead(self) -> None:
        """Gather further notices for a while, then wake the thread that takes them."""
        the_reactor().removeReader(self)
        self._timer = the_reactor().callLater(GATHER_NOTICES_S, self._gathered)

    def connectionLost(self, _reason: Any) -> None:
        """Do nothing: `close` is called in any case."""

    def _gathered(self) -> None:
        self._timer = None
        self._wake()
