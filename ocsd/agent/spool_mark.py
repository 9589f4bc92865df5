"""How far a feed has come whose messages are in memory only, for the agent may be killed.

The file is made while there is room, for to overwrite it takes none. With it the next
life knows that there were messages, and what is lost with this one is a recorded hole.
"""

import os
import struct
from contextlib import suppress
from pathlib import Path
from zlib import crc32

NAME = "next"

_MARK = struct.Struct("<QI")  # the number and its CRC-32


def prepare(folder: Path) -> None:
    """Make the file, if there is none; with no room for it, do nothing."""
    with suppress(OSError), (folder / NAME).open("xb", buffering=0) as file:
        file.write(_packed(0))


def note(folder: Path, number: int) -> None:
    """Note the number after that of the newest message; without a file, do nothing."""
    with suppress(OSError):
        descriptor = os.open(folder / NAME, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.pwrite(descriptor, _packed(number), 0)
        finally:
            os.close(descriptor)


def read(folder: Path) -> int:
    """Return what was noted last; 0 if nothing was."""
    try:
        data = (folder / NAME).read_bytes()
        (number, _) = _MARK.unpack(data)
    except (OSError, struct.error):
        return 0
    return int(number) if data == _packed(number) else 0


def _packed(number: int) -> bytes:
    return _MARK.pack(number, crc32(number.to_bytes(8, "little")))
