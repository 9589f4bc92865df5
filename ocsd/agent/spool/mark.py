"""A mark: the number of a feed's next message while its messages are in memory only.

An agent may be killed before they reach the disk. From the mark the next life knows that they
existed and records them as lost. The file is made while there is room, because overwriting it
takes none. The feed's description follows the number, because there may be no other file.

A life that begins while the disk is full can make neither a folder nor a file. So each life
leaves spare folders with such a file for later lives: renaming takes no room either. One is made
with the first message. To make a folder takes up to half a millisecond, so the others follow when
a host that starts has more time.
"""

import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

from ocsd.agent.spool.segment import content, description, packed, record

NAME = "next"
SPARES = ".spare"

# Number of lives that can begin and be killed while the disk stays full.
MOST_SPARES = 8
# Time after a feed's first message in a file, from which on all spare folders are made [s].
SPARES_AFTER_S = 20.0

_MARK = struct.Struct("<QI")  # the number and its CRC-32


class Mark:
    """The mark of one feed in one life, in the feed's folder in that of the life.

    `spares` is the folder of the spare folders, each of which can become that of a life.
    """

    def __init__(self, folder: Path, spares: Path | None) -> None:
        self._folder = folder
        self._spares = spares

    def prepare(self, info: dict[str, Any], spares: int = 1) -> None:
        """Make the file and so many spare ones, if missing; do nothing if there is no room."""
        data = _packed(0) + record(0, packed(info))
        places = [str(self._folder)]
        if self._spares is not None:
            # As text: each agent looks for nine files.
            name = self._folder.name
            places += [f"{self._spares}/{spare}/{name}" for spare in range(spares)]
        for place in places:
            path = f"{place}/{NAME}"
            with suppress(OSError):
                if not os.path.exists(path):
                    os.makedirs(place, mode=0o750, exist_ok=True)
                    _write(path, data)

    def write(self, number: int) -> None:
        """Record the number of the next message; do nothing if no file can be had."""
        with suppress(OSError):
            try:
                descriptor = self._open()
            except FileNotFoundError:
                self._take_spare()
                descriptor = self._open()
            try:
                os.pwrite(descriptor, _packed(number), 0)
            finally:
                os.close(descriptor)

    def _open(self) -> int:
        return os.open(self._folder / NAME, os.O_WRONLY | os.O_CLOEXEC)

    def _take_spare(self) -> None:
        """Make a spare folder that of the feed, or that of the life if it has none."""
        if self._spares is None:
            return
        life = self._folder.parent
        for spare in sorted(self._spares.iterdir()):
            with suppress(OSError):  # this life has taken the feed from it already
                if life.exists():
                    (spare / self._folder.name).rename(self._folder)
                else:
                    spare.rename(life)
                return


def read(folder: Path) -> tuple[int, dict[str, Any]]:
    """Return the number in a feed's mark, 0 if there is none, and the feed's description.

    Raises
    ------
    OSError
        If the process lacks descriptors or memory to read it now.
    """
    data = content(folder / NAME)
    number = int.from_bytes(data[:8], "little")
    if data[: _MARK.size] != _packed(number):
        return 0, {}
    try:
        return number, description(data[_MARK.size :])
    except ValueError:
        return number, {}


def _packed(number: int) -> bytes:
    return _MARK.pack(number, crc32(number.to_bytes(8, "little")))


def _write(path: str, data: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        whole = os.write(file, data) == len(data)
    except OSError:
        whole = False
    finally:
        os.close(file)
    if not whole:
        os.unlink(path)
