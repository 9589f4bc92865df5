"""How far a feed has come whose messages are in memory only, for the agent may be killed.

The file is made while there is room, for to overwrite it takes none. With it the next
life knows that there were messages, and what is lost with this one is a recorded hole.
The feed's description follows the number, for of the files none may be left.

A life that begins while the disk is full can make neither a folder nor a file. So each
life leaves some with the file in them, for lives to come: to rename takes no room either.
"""

import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

from ocsd.agent.spool.segment import content, description_in, packed, record

NAME = "next"
SPARES = ".spare"

# So many lives may begin and be killed while the disk is full, without an end to it.
MOST_SPARES = 8

_MARK = struct.Struct("<QI")  # the number and its CRC-32


class Mark:
    """The file of a feed in one life.

    Parameters
    ----------
    folder : Path
        The feed's folder, in that of the session.
    spares : Path, optional
        Where lives leave folders of sessions for those to come; None for nowhere.
    """

    def __init__(self, folder: Path, spares: Path | None) -> None:
        self._folder = folder
        self._spares = spares

    def prepare(self, info: dict[str, Any]) -> None:
        """Make the file, and spare ones, where they are missing; without room, do nothing."""
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

    def note(self, number: int) -> None:
        """Note the number after that of the newest message; without a file, do nothing."""
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
        """Make a spare folder the feed's, or the session's if that has none."""
        session = self._folder.parent
        for spare in () if self._spares is None else sorted(self._spares.iterdir()):
            with suppress(OSError):  # the session has taken this feed from it
                if session.exists():
                    (spare / self._folder.name).rename(self._folder)
                else:
                    spare.rename(session)
                return


def read(folder: Path) -> tuple[int, dict[str, Any]]:
    """Return what was noted last, 0 if nothing was, and the feed's description.

    Raises
    ------
    OSError
        If the process lacks what it takes to read it now.
    """
    data = content(folder / NAME)
    number = int.from_bytes(data[:8], "little")
    if data[: _MARK.size] != _packed(number):
        return 0, {}
    try:
        return number, description_in(data[_MARK.size :])
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
