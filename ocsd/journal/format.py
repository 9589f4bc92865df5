"""The records of the journal: every message that came in, and every frame made of them.

A segment is a file of records ``length u32, crc32 u32, kind u8, body`` after
`MAGIC`, in the byte order of the machine. The checksum is that of kind and body.
A crash can leave the last record of a segment torn; a reader stops there.

==========  ==========================================================================
kind        body
==========  ==========================================================================
``LAYOUT``  CBOR: number in this segment, address, session, sender, numbered, frame
            length, fresh time, block name, field names, their types
``DATA``    message number u64, arrival f64, and for each block: layout u32, samples
            u32, bytes u32, packed samples (`ocsd.journal.layout`)
``FILE``    CBOR: name of a G3 file, its length now
``FRAME``   CBOR: name, offset, length, crc32 of the bytes appended to a G3 file, and
            the numbers of the blocks in them
``OUTAGE``  CBOR: Unix times of begin and end, cause
``ALIVE``   Unix time f64
==========  ==========================================================================
"""

import struct
import sys
from binascii import crc32
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, NamedTuple, TypeAlias

import cbor2

from ocsd.journal.kinds import Kind
from ocsd.journal.layout import Layout, PackedBlock
from ocsd.journal.origin import Origin
from ocsd.journal.ranges import Ranges
from ocsd.system.records import whole_records

MAGIC: Final = {"little": b"OCSDWAL1", "big": b"OCSDWALB"}[sys.byteorder]

_HEAD: Final = struct.Struct("=IIB")
_DATA: Final = struct.Struct("=Qd")
_BLOCK: Final = struct.Struct("=III")
_ALIVE: Final = struct.Struct("=d")


class RecordKind(IntEnum):
    """The kinds of records."""

    LAYOUT = 1
    DATA = 2
    FILE = 3
    FRAME = 4
    OUTAGE = 5
    ALIVE = 6


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its valid blocks, or an empty block if none is valid."""

    number: int
    arrived_at: float
    blocks: tuple[PackedBlock, ...]


@dataclass(frozen=True, slots=True)
class File:
    """A G3 file has been made, or is written to in this segment as well."""

    name: str
    length: int


class BlockKey(NamedTuple):
    """A block of one source."""

    address: str
    session_id: str
    numbered: bool
    block_name: str


@dataclass(frozen=True, slots=True)
class Cover:
    """The numbers of the messages of one source whose block is in a frame."""

    key: BlockKey
    numbers: Ranges


@dataclass(frozen=True, slots=True)
class FrameAppended:
    """Bytes have been appended to a G3 file."""

    name: str
    offset: int
    length: int
    checksum: int
    covers: tuple[Cover, ...]


@dataclass(frozen=True, slots=True)
class Outage:
    """Nothing could come in for a while [Unix s]."""

    began_at: float
    ended_at: float
    cause: str


@dataclass(frozen=True, slots=True)
class Alive:
    """The recorder was at work [Unix s]."""

    at: float


Event: TypeAlias = File | FrameAppended | Outage | Alive


def block_key(origin: Origin, block_name: str) -> BlockKey:
    """Return the key of a block that this sender sends."""
    return BlockKey(origin.address, origin.session_id, origin.numbered, block_name)


def message_record(
    number: int, arrived_at: float, blocks: Iterable[tuple[int, PackedBlock]]
) -> bytes:
    """Return the record of a message; each block comes with the number of its layout."""
    parts = [_DATA.pack(number, arrived_at)]
    for layout_number, packed in blocks:
        parts.append(_BLOCK.pack(layout_number, packed.length, len(packed.content)))
        parts.append(packed.content)
    return _record(RecordKind.DATA, parts)


def layout_record(number: int, layout: Layout) -> bytes:
    """Return the record that gives a layout a number in this segment."""
    origin = layout.origin
    fields = [
        number,
        origin.address,
        origin.session_id,
        origin.sender,
        origin.numbered,
        origin.frame_length_s,
        origin.fresh_time_s,
        layout.block_name,
        list(layout.kinds),
        [str(kind) for kind in layout.kinds.values()],
    ]
    return _record(RecordKind.LAYOUT, [cbor2.dumps(fields)])


def event_record(event: Event) -> bytes:
    """Return the record of anything but a message."""
    match event:
        case File(name, length):
            return _record(RecordKind.FILE, [cbor2.dumps([name, length])])
        case FrameAppended(name, offset, length, checksum, covers):
            rows = [[*cover.key, cover.numbers.bounds] for cover in covers]
            return _record(RecordKind.FRAME, [cbor2.dumps([name, offset, length, checksum, rows])])
        case Outage(began_at, ended_at, cause):
            return _record(RecordKind.OUTAGE, [cbor2.dumps([began_at, ended_at, cause])])
        case Alive(at):
            return _record(RecordKind.ALIVE, [_ALIVE.pack(at)])


def read(segment: bytes) -> Iterator[Message | Event]:
    """Yield the entries of a segment or of any prefix, as far as it is whole; never raises."""
    layouts: dict[int, Layout] = {}
    if segment[: len(MAGIC)] != MAGIC:
        return
    for kind, body, _end in whole_records(memoryview(segment), _HEAD, len(MAGIC)):
        try:
            if kind == RecordKind.LAYOUT:
                number, layout = _layout(cbor2.loads(body))
                layouts[number] = layout
            else:
                yield _entry(kind, body, layouts)
        except (ValueError, TypeError, LookupError, struct.error, cbor2.CBORDecodeError):
            return  # As good as torn: another program wrote this.


def _record(kind: RecordKind, parts: list[bytes]) -> bytes:
    length, checksum = 0, int(kind)
    for part in parts:
        length += len(part)
        checksum = crc32(part, checksum)
    return b"".join([_HEAD.pack(length, checksum, kind), *parts])


def _entry(kind: int, body: memoryview, layouts: dict[int, Layout]) -> Message | Event:
    match RecordKind(kind):
        case RecordKind.DATA:
            return _message(body, layouts)
        case RecordKind.FILE:
            return File(*cbor2.loads(body))
        case RecordKind.FRAME:
            name, offset, length, checksum, covers = cbor2.loads(body)
            return FrameAppended(name, offset, length, checksum, tuple(map(_cover, covers)))
        case RecordKind.OUTAGE:
            return Outage(*cbor2.loads(body))
        case _:
            return Alive(*_ALIVE.unpack(body))


def _message(body: memoryview, layouts: dict[int, Layout]) -> Message:
    number, arrived_at = _DATA.unpack_from(body)
    blocks = []
    place = _DATA.size
    while place < len(body):
        layout_number, samples, length = _BLOCK.unpack_from(body, place)
        place += _BLOCK.size
        packed = bytes(body[place : place + length])
        blocks.append(PackedBlock(layouts[layout_number], samples, packed))
        place += length
    return Message(number, arrived_at, tuple(blocks))


def _layout(fields: list[Any]) -> tuple[int, Layout]:
    number, *origin, block_name, names, kinds = fields
    layout = Layout(Origin(*origin), block_name, dict(zip(names, map(Kind, kinds), strict=True)))
    return number, layout


def _cover(fields: list[Any]) -> Cover:
    *key, bounds = fields
    return Cover(BlockKey(*key), Ranges(bounds))
