"""Reads the columns of a data frame from its bytes, without an object of so3g for each.

A frame holds its blocks as one entry: a G3VectorFrameObject of G3TimesampleMap, in which each
column is a vector with a head of its own (spt3g_software, core/src/G3Map.cxx, G3Vector.cxx and
G3Timestream.cxx; cereal's portable binary archive). Nine tenths of so3g's time for a small frame
are spent on objects. Here an array is a view of the bytes.

Only what so3g writes today is known here: every byte around the values is compared, and the
checksum. so3g decodes the rest: text columns, other versions, other types, wrong checksums.
"""

import struct
from typing import Any, Final, NamedTuple

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from ocsd.aggregator.frames.packed_frame import (
    BLOCKS,
    BOOLS,
    FIRST_MAP,
    FLOATS,
    FRAME,
    INTS,
    INVERTED,
    TEXTS,
    U32,
    U64,
    next_map,
)

_MOST_PLANS: Final = 64


class BlockColumns(NamedTuple):
    """Samples that were taken together."""

    name: str
    """Name of the block."""
    kinds: dict[str, str]
    """Type of each field: ``float``, ``int``, ``bool`` or ``str``."""
    ticks: NDArray[np.int64]
    """Times [ticks of 10 ns], shape (n,), or (frames, n) of frames that were read together."""
    values: dict[str, NDArray[Any]]
    """Values by field, each of the same shape."""


_TICKS: Final = np.dtype("<i8")
_VECTORS: Final = {
    FLOATS: ("float", np.dtype("<f8")),
    BOOLS: ("bool", np.dtype("?")),
    **{INTS + U32.pack(8 * size): ("int", np.dtype(f"<i{size}")) for size in (8, 4, 2, 1)},
}


class _UnknownError(Exception):
    """Bytes that are not known here. Internal: so3g decodes the frame."""


class _Frames(NamedTuple):
    """Some frames of the same length [bytes] that follow each other."""

    content: bytes
    begin: int
    length: int
    number: int


class _Array(NamedTuple):
    """The place of an array in its frame."""

    code: np.dtype[Any]
    length: int
    offset: int

    @property
    def end(self) -> int:
        """The offset behind it."""
        return self.offset + self.length * self.code.itemsize

    def of(self, frames: "_Frames") -> NDArray[Any]:
        """Return the array of a frame, or of all frames as a table."""
        content, begin, length, number = frames
        if number == 1:
            return np.frombuffer(content, self.code, self.length, begin + self.offset)
        strides = length, self.code.itemsize
        shape = number, self.length
        return np.ndarray(shape, self.code, content, begin + self.offset, strides)


class _Block(NamedTuple):
    """The places of the arrays of a block."""

    name: str
    kinds: dict[str, str]
    ticks: _Array
    values: dict[str, _Array]
    narrow: list[str]
    """The fields of whole numbers that have less than 8 bytes."""

    def of(self, frames: "_Frames") -> BlockColumns:
        """Return the block of a frame, or of all frames."""
        ticks = self.ticks.of(frames)
        values = {name: array.of(frames) for name, array in self.values.items()}
        for name in self.narrow:
            values[name] = values[name].astype(np.int64)
        return BlockColumns(self.name, self.kinds, ticks, values)


class _Plan(NamedTuple):
    """The places of everything in a frame."""

    blocks: list[_Block]
    around: struct.Struct
    known: tuple[bytes, ...]
    """All bytes that are the same in the next frame: where they are, and what they are."""
    before: struct.Struct
    begin: int
    end: int
    after: struct.Struct
    """Names and contents of the entries before that of the blocks, its place, and those after."""

    def fits(self, content: bytes, begin: int) -> bool:
        """Return whether another frame has its values at the same places, and is sound."""
        is_alike = self.around.unpack_from(content, begin) == self.known
        return is_alike and self.is_sound(content, begin)

    def is_sound(self, content: bytes, begin: int) -> bool:
        """Return whether the checksum of a frame, CRC-32C of names and contents, is right."""
        before = self.before.unpack_from(content, begin + FRAME.size)
        packed = content[begin + self.begin : begin + self.end]
        *after, expected = self.after.unpack_from(content, begin + self.end)
        crc = INVERTED
        for part in (b"".join(before), packed, b"".join(after)):
            crc = google_crc32c.extend(crc, part)
        return bool(crc ^ INVERTED == expected)


class Unpacker:
    """Unpacks frames; one that is as long as one before mostly differs in the values only."""

    def __init__(self) -> None:
        self._plans: dict[int, _Plan] = {}

    def blocks(
        self, content: bytes, begin: int, length: int, count: int = 1
    ) -> list[BlockColumns] | None:
        """Return the blocks of data frames; None if so3g has to decode one of them.

        They are `count` frames of `length` bytes each, that follow each other in `content`. Their
        arrays are views of it, where that can be.
        """
        end = begin + count * length
        if end > len(content):
            return None
        plan = self._plan_of(content, begin, length)
        if plan is None:
            return None
        for each in range(begin + length, end, length):
            if not plan.fits(content, each):
                return None
        frames = _Frames(content, begin, length, count)
        return [block.of(frames) for block in plan.blocks]

    def _plan_of(self, content: bytes, begin: int, length: int) -> _Plan | None:
        """Return the plan of a sound frame; None if so3g has to decode it."""
        known = self._plans.get(length)
        if known is not None and known.fits(content, begin):
            return known
        try:
            plan = _plan(content[begin : begin + length])
        except (_UnknownError, struct.error, UnicodeDecodeError):
            return None
        if not plan.is_sound(content, begin):
            return None
        if len(self._plans) >= _MOST_PLANS:
            self._plans.clear()
        self._plans[length] = plan
        return plan


def _plan(content: bytes) -> _Plan:
    walk = _Walk(content)
    places = walk.entries()
    if "blocks" not in places or "block_names" not in places:
        raise _UnknownError
    names = walk.texts(*places["block_names"])
    begin, end = places["blocks"]
    walk.at = begin
    walk.expect(BLOCKS)
    if walk.number() != len(names):
        raise _UnknownError
    blocks = [walk.block(number, name) for number, name in enumerate(names)]
    if walk.at != end:
        raise _UnknownError
    before, after = "<", "<"
    for name, (entry_begin, entry_end) in places.items():
        head = f"8x{len(name.encode())}s8x"
        if entry_begin < begin:
            before += f"{head}{entry_end - entry_begin}s"
        elif entry_begin == begin:
            before += head
        else:
            after += f"{head}{entry_end - entry_begin}s"
    around = _around(len(content), places, blocks)
    known = around.unpack_from(content)
    return _Plan(
        blocks, around, known, struct.Struct(before), begin, end, struct.Struct(after + "I")
    )


def _around(length: int, places: dict[str, tuple[int, int]], blocks: list[_Block]) -> struct.Struct:
    """Return where the bytes are in a frame of a length that are no values."""
    free = [place for name, place in places.items() if name not in {"blocks", "block_names"}]
    for block in blocks:
        free += [(each.offset, each.end) for each in (block.ticks, *block.values.values())]
    around, at = "", 0
    for begin, end in sorted(free):
        around += f"{begin - at}s{end - begin}x"
        at = end
    return struct.Struct(f"{around}{length - U32.size - at}s")


class _Walk:
    """A walk through the bytes of a frame; `at` is the next one."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.at = 0

    def entries(self) -> dict[str, tuple[int, int]]:
        """Return begin and end of each entry of the frame."""
        endian, version, count, _type = FRAME.unpack_from(self._content)
        if (endian, version) != (1, 1):
            raise _UnknownError
        self.at = FRAME.size
        places = {}
        for _ in range(count):
            name, length = self.text(), self.number()
            places[name] = self.at, self.at + length
            self.at += length
        if len(places) != count or self.at + U32.size != len(self._content):
            raise _UnknownError
        return places

    def texts(self, begin: int, end: int) -> list[str]:
        """Return a G3VectorString."""
        self.at = begin
        self.expect(TEXTS)
        found = [self.text() for _ in range(self.number())]
        if self.at != end:
            raise _UnknownError
        return found

    def block(self, number: int, name: str) -> _Block:
        """Return the next block, the first one of which has number 0."""
        head = FIRST_MAP
        versions = U32.pack(1)
        if number:
            head = next_map(number)
            versions = b""
        self.expect(head)
        (fields,) = U32.unpack_from(self._content, self.at)
        self.at += U32.size
        kinds, values = {}, {}
        for _ in range(fields):
            key = self.text()
            kinds[key], values[key] = self._vector()
        self.expect(versions)
        times = self.number()
        if not (number or times):
            raise _UnknownError  # the version of a time comes with the first one, wherever it is
        self.expect(versions)
        if any(array.length != times for array in values.values()):
            raise _UnknownError
        narrow = [
            key for key, (code, _, _) in values.items() if code.kind == "i" and code.itemsize < 8
        ]
        return _Block(name, kinds, self._array(_TICKS, times), values, narrow)

    def _vector(self) -> tuple[str, _Array]:
        length = self.number()
        end = self.at + length
        for head, (kind, code) in _VECTORS.items():
            if self._content.startswith(head, self.at):
                self.at += len(head)
                array = self._array(code, self.number())
                if array.end == end:
                    return kind, array
        raise _UnknownError

    def _array(self, code: np.dtype[Any], count: int) -> _Array:
        array = _Array(code, count, self.at)
        self.at = array.end
        return array

    def expect(self, known: bytes) -> None:
        """Go on behind some bytes that must be there."""
        if not self._content.startswith(known, self.at):
            raise _UnknownError
        self.at += len(known)

    def number(self) -> int:
        """Return the next number of 8 bytes."""
        if self.at > len(self._content):
            raise _UnknownError  # The length of a text was harmed.
        (found,) = U64.unpack_from(self._content, self.at)
        self.at += 8
        return int(found)

    def text(self) -> str:
        """Return the next text."""
        begin = self.at + 8
        self.at = begin + self.number()
        return self._content[begin : self.at].decode()
