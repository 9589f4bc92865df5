"""Finds the beginnings and ends of frames in a G3 file without decoding them.

A frame in a file is (spt3g_software, core/src/G3Frame.cxx): one byte 1 for little
endian; version (1), number of entries and type, 4 bytes each; for each entry the
length of its name in 8 bytes, the name, the length of its content in 8 bytes, the
content; and 4 bytes CRC-32C of names and contents.
"""

import os
import struct
from typing import Final

_HEAD: Final = struct.Struct("<BIII")
_LENGTH: Final = struct.Struct("<Q")
_CRC_BYTES: Final = 4
_MARK: Final = struct.pack("<BI", 1, 1)
# Far beyond any real frame; wrong bytes must not use up the memory.
_MOST_FRAME_ENTRIES: Final = 10_000
_LONGEST_NAME_BYTES: Final = 10_000
_SEARCHED_BYTES: Final = 2**20


class NotAFrameError(Exception):
    """There is no whole frame at an offset; the message says why.

    Internal to the reading: the code that walks a file reports it as damage.
    """


def end_of_frame(descriptor: int, size: int, offset: int) -> int:
    """Return where the frame ends that begins at `offset` in a file of `size` [bytes].

    The file is open for reading. It is not mapped, because a mapped file that becomes
    shorter would end the process.

    Raises
    ------
    NotAFrameError
        If no frame begins there, or the file ends before it does.
    """
    head = os.pread(descriptor, _HEAD.size, offset)
    if head[: len(_MARK)] != _MARK[: len(head)]:
        raise NotAFrameError("no frame begins there")
    try:
        _endian, _version, entries, _type = _HEAD.unpack(head)
        if entries > _MOST_FRAME_ENTRIES:
            raise NotAFrameError("no frame begins there")
        end = offset + _HEAD.size
        for _ in range(entries):
            name_bytes = _length(descriptor, end)
            if name_bytes > _LONGEST_NAME_BYTES:
                raise NotAFrameError("no frame begins there")
            end += _LENGTH.size + name_bytes
            end += _LENGTH.size + _length(descriptor, end)
            if end > size:
                break
    except struct.error:
        end = size
    if end + _CRC_BYTES > size:
        raise NotAFrameError("the file ends within a frame")
    return end + _CRC_BYTES


def next_candidate(descriptor: int, offset: int) -> int | None:
    """Return the next offset, from `offset` on, of bytes that begin like a frame, or None."""
    while chunk := os.pread(descriptor, _SEARCHED_BYTES, offset):
        found = chunk.find(_MARK)
        if found >= 0:
            return offset + found
        offset += max(len(chunk) - len(_MARK) + 1, 1)
    return None


def _length(descriptor: int, offset: int) -> int:
    (length,) = _LENGTH.unpack(os.pread(descriptor, _LENGTH.size, offset))
    return int(length)
