"""How far a feed has come whose messages are in memory only, for the agent may be killed.

The file is made while there is room, for to overwrite it takes none. With it the next
life knows that there were messages, and what is lost with this one is a recorded hole.
The feed's description follows the number, for of the files none may be left.
"""

import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any
from zlib import crc32

from ocsd.agent.spool_segment import content, description_in, packed, record

NAME = "next"

_MARK = struct.Struct("<QI")  # the number and its CRC-32


def prepare(folder: Path, info: dict[str, Any]) -> None:
    """Make the file, if there is none; with no room for it, do nothing."""
    with suppress(OSError), (folder / NAME).open("xb", buffering=0) as file:
        file.write(_packed(0) + record(0, packed(info)))


def note(folder: Path, number: int) -> None:
    """Note the number after that of the newest message; without a file, do nothing."""
    with suppress(OSError):
        descriptor = os.open(folder / NAME, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(descriptor, _packed(number), 0)
        finally:
            os.close(descriptor)


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
