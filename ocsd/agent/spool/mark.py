"""A mark: the number of a feed's next message while its messages are in memory only.

An agent may be killed before they reach the disk. From the mark the next life knows that they
existed and records them as lost. The file is made while there is room, because overwriting it
takes none. The feed's description follows the number, because there may be no other file.

A life that begins while the disk is full can make neither a folder nor a file. So each life
leaves spare folders with such a file for later lives: renaming takes no room either.
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

_MARK = struct.Struct("<QI")  # the number and its CRC-32


class Mark:
    """The mark of one feed in one life, in the feed's folder in that of the life.

    `spares` is the folder of the spare folders, each of which can become that of a life.
    """

    def __init__(self, folder: Path, spares: Path | None) -> None:
        self._folder = folder
        self._spares = spares

    def prepare(self, info: dict[str, Any]) -> None:
        """Make the file and the spare ones that are missing; do nothing if there is no room."""
        data = _packed(0) + record(0, packed(info))
        places = [self._folder]
        if self._spares is not None:
            names = map(str, range(MOST_SPARES))
            places += [self._spares / name / self._folder.name for name in names]
        for place in places:
            with suppress(OSError):
                if not (place / NAME).exists():
                    place.mkdir(mode=0o750, parents=True, exist_ok=True)
                    _write(place / NAME, data)

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


def _write(path: Path, data: bytes) -> None:
    with path.open("xb", buffering=0) as file:
        try:
            whole = file.write(data) == len(data)
        except OSError:
            whole = False
    if not whole:
        path.unlink()
