"""Feeds that nobody hears: shared memory in which a recorder tells its host's agents of them.

A recorder reads the messages of its host's agents in their spools. If nobody else subscribes to a
feed, it is of no use to send it to the router. The recorder, which knows who subscribes, lists
such feeds in a file beside the spools, and its number in shared memory, where each agent looks
before it publishes: so an agent publishes its next message as soon as somebody subscribes. The list
holds for a short time only, which the recorder prolongs while it lives.
"""

import fcntl
import json
import mmap
import os
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path
from struct import Struct
from typing import Final

from ocsd.system import files

PROLONGED_S: Final = 3.0
"""Time for which a list holds [s]: after a recorder was killed, agents publish again."""

_PAGE: Final = ".unheard"
_LIST: Final = ".unheard.json"
_HEAD: Final = Struct("@Qd")
"""Number of the list, and the monotonic time until which it holds [s]."""
_OPEN_AGAIN_S: Final = 5.0

UnheardFeed = tuple[str, str]
"""Address of a feed, and the agent session that publishes it."""


class UnheardBoard:
    """The recorder's end.

    Parameters
    ----------
    folder : Path
        The folder of all spools of the host.
    monotonic : callable
        Returns the monotonic time [s].

    Raises
    ------
    OSError
        If the file cannot be made, or another recorder of this host holds it.
    """

    def __init__(self, folder: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._list = folder / _LIST
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(folder / _PAGE, flags, 0o644)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._descriptor, _HEAD.size)
            self._page = mmap.mmap(self._descriptor, _HEAD.size)
        except OSError:
            os.close(self._descriptor)
            raise
        self._number = _HEAD.unpack_from(self._page)[0]
        self.withdraw()

    def show(self, feeds: Iterable[UnheardFeed]) -> None:
        """List the feeds that nobody hears, in place of those before.

        Raises
        ------
        OSError
            If the list cannot be written; there is none then.
        """
        self.withdraw()
        content = {"number": self._number, "feeds": sorted(feeds)}
        files.replace(self._list, json.dumps(content).encode())
        self.prolong()

    def prolong(self) -> None:
        """Let the list hold on."""
        _HEAD.pack_into(self._page, 0, self._number, self._monotonic() + PROLONGED_S)

    def withdraw(self) -> None:
        """Let the list hold no longer: all feeds are heard."""
        self._number += 1
        _HEAD.pack_into(self._page, 0, self._number, 0.0)

    def close(self) -> None:
        """Withdraw the list, and let another recorder show one."""
        self.withdraw()
        self._page.close()
        os.close(self._descriptor)


class UnheardFeeds:
    """An agent's end; `folder` is that of all spools of the host, None if there is none."""

    def __init__(
        self, folder: Path | None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = folder
        self._monotonic = monotonic
        self._page: mmap.mmap | None = None
        self._open_at_s = 0.0
        self._number = -1
        self._feeds: Collection[UnheardFeed] = ()

    def has(self, address: str, session_id: str) -> bool:
        """Return whether nobody but the host's recorder, which reads the spool, hears a feed."""
        now_s = self._monotonic()
        if self._page is None:
            self._open(now_s)
        if self._page is None:
            return False
        number, until_s = _HEAD.unpack_from(self._page)
        if not now_s < until_s <= now_s + 2 * PROLONGED_S:
            # The recorder may have another file meanwhile.
            self._open(now_s)
            return False
        if number != self._number:
            self._read(number)
        return number == self._number and (address, session_id) in self._feeds

    def _open(self, now_s: float) -> None:
        if self._folder is None or now_s < self._open_at_s:
            return
        self._open_at_s = now_s + _OPEN_AGAIN_S
        self._page, self._number = None, -1
        with suppress(OSError, ValueError):  # There is none, or it is not made yet.
            descriptor = os.open(self._folder / _PAGE, os.O_RDONLY | os.O_CLOEXEC)
            try:
                self._page = mmap.mmap(descriptor, _HEAD.size, prot=mmap.PROT_READ)
            finally:
                os.close(descriptor)

    def _read(self, number: int) -> None:
        if self._folder is None:
            return
        with suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads((self._folder / _LIST).read_bytes())
            if content["number"] == number:
                self._feeds = {(address, session) for address, session in content["feeds"]}
                self._number = number
