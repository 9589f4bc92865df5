"""The records of the journal: every message that came in, and every frame made of them.

A segment is a file of records ``length u32, crc32 u32, kind u8, body`` after
`MAGIC`, in the byte order of the machine. The checksum is that of the body, begun with the kind.
A crash can leave the last record of a segment torn; a reader stops there.

==========  ==========================================================================
kind        body
==========  ==========================================================================
``LAYOUT``  CBOR: number in this segment, address, session, sender, numbered, frame
            length, fresh time, block name, field names, their types; behind it, if there
            is any of it, CBOR: map of units, labels, and for writers to databases
``DATA``    message number u64, arrival f64, and for each block: layout u32, samples
            u32, bytes u32, packed samples (`ocsd.journal.layout`)
``FILE``    CBOR: name of a G3 file, its length now
``FRAME``   CBOR: name, offset, length, crc32 of the bytes appended to a G3 file, and
            the numbers of the blocks in them
``OUTAGE``  CBOR: Unix times of begin and end, cause
``ALIVE``   Unix time f64
==========  ==========================================================================
"""

import io
import struct
import sys
from binascii import crc32
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Final, NamedTuple, TypeAlias

import cbor2

from ocsd.errors import JournalVersionError
from ocsd.journal.kinds import Kind
from ocsd.journal.layout import Layout, PackedBlock
from ocsd.journal.origin import Origin
from ocsd.journal.ranges import Ranges
from ocsd.system.records import whole_records

VERSION: Final = 1
"""Version of the format. A newer one has another letter at the end of `MAGIC`."""

_MAGICS: Final = {"little": b"OCSDWAL1", "big": b"OCSDWALB"}
_OTHER_ORDER: Final = {"little": "big", "big": "little"}[sys.byteorder]
MAGIC: Final = _MAGICS[sys.byteorder]
"""The first bytes of a segment."""

HEAD: Final = struct.Struct("=IIB")
_ABOUT_ORIGIN: Final = ("units", "labels", "agent_class", "exclude_influx")
_TAGS: Final = "influxdb_tags"
_DATA: Final = struct.Struct("=Qd")
_BLOCK: Final = struct.Struct("=III")
_ONE: Final = struct.Struct("=QdIII")
"""`_DATA` and `_BLOCK`."""
_ALIVE: Final = struct.Struct("=d")


class RecordKind(IntEnum):
    """The kinds of records."""

    LAYOUT = 1
    DATA = 2
    FILE = 3
    FRAME = 4
    OUTAGE = 5
    ALIVE = 6


# Comparing an int with these takes a tenth of the time of making a `RecordKind`.
_LAYOUT: Final = int(RecordKind.LAYOUT)
_MESSAGE: Final = int(RecordKind.DATA)


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


def message_records(
    arrived_at: float,
    entries: Iterable[tuple[int, Sequence[PackedBlock]]],
    layouts: Mapping[Layout, int],
) -> list[bytes]:
    """Return the records of messages, in pieces.

    Parameters
    ----------
    arrived_at : float
        Unix time [s].
    entries : iterable
        Number and blocks of each message.
    layouts : mapping of Layout to int
        The numbers of all layouts.
    """
    pieces: list[bytes] = []
    for number, blocks in entries:
        if len(blocks) == 1:
            # Nearly every message, so its heads are packed at once.
            ((layout, length, content),) = blocks
            size_bytes = len(content)
            head = _ONE.pack(number, arrived_at, layouts[layout], length, size_bytes)
            checksum = crc32(content, crc32(head, _MESSAGE))
            pieces += HEAD.pack(_ONE.size + size_bytes, checksum, _MESSAGE), head, content
            continue
        parts = [_DATA.pack(number, arrived_at)]
        for layout, length, content in blocks:
            parts += _BLOCK.pack(layouts[layout], length, len(content)), content
        pieces.append(_record(RecordKind.DATA, parts))
    return pieces


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
    parts = [cbor2.dumps(fields)]
    about = _about(layout)
    if about:
        parts.append(cbor2.dumps(about))
    return _record(RecordKind.LAYOUT, parts)


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
    if segment[: len(MAGIC)] == MAGIC:
        for entry, _begin, _end in Decoder().entries(memoryview(segment), len(MAGIC)):
            yield entry


class Decoder:
    """Decodes the records of one segment, in their order."""

    def __init__(self) -> None:
        self._layouts: dict[int, Layout] = {}

    def entries(
        self, data: memoryview, start: int = 0
    ) -> Iterator[tuple[Message | Event, int, int]]:
        """Yield each entry, and where its record begins and ends in `data`; never raises.

        It ends before the first record that is torn or damaged. Layouts are remembered for
        the records that come later.
        """
        for kind, body, end in whole_records(data, HEAD, start):
            try:
                if kind == _LAYOUT:
                    number, layout = _layout(body)
                    self._layouts[number] = layout
                    continue
                if kind == _MESSAGE:
                    entry: Message | Event = _message(body, self._layouts)
                else:
                    entry = _event(RecordKind(kind), body)
            except (ValueError, TypeError, LookupError, struct.error, cbor2.CBORDecodeError):
                return  # As good as torn: another program wrote this.
            yield entry, end - len(body) - HEAD.size, end


def check_version(beginning: bytes, name: str) -> bool:
    """Return whether a file that begins so is a segment that this version can read.

    Parameters
    ----------
    beginning : bytes
        As many as `MAGIC` has, or fewer: a segment that has just been made.
    name : str
        Name of the file, for the error.

    Raises
    ------
    JournalVersionError
        If it is a segment of another version.
    """
    if beginning == MAGIC:
        return True
    if len(beginning) < len(MAGIC) or beginning[:-1] != MAGIC[:-1]:
        return False
    if beginning == _MAGICS[_OTHER_ORDER]:
        raise JournalVersionError(
            f"{name} comes from a machine of the other byte order ({_OTHER_ORDER}-endian); "
            "read it on such a machine"
        )
    raise JournalVersionError(
        f"{name} has another format than version {VERSION} of the journal, which this ocsd reads "
        f"(it begins with {beginning!r}): a newer ocsd wrote it; update this one"
    )


def _record(kind: RecordKind, parts: list[bytes]) -> bytes:
    length, checksum = 0, int(kind)
    for part in parts:
        length += len(part)
        checksum = crc32(part, checksum)
    return b"".join([HEAD.pack(length, checksum, kind), *parts])


def _event(kind: RecordKind, body: memoryview) -> Event:
    match kind:
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


def _layout(body: memoryview) -> tuple[int, Layout]:
    decoder = cbor2.CBORDecoder(io.BytesIO(body))
    number, *origin, block_name, names, kinds = decoder.decode()
    about_fields = {}
    # Behind the array, because releases that do not know it read no further.
    with suppress(cbor2.CBORDecodeEOF):
        about_fields = dict(decoder.decode())
    sender = Origin(*origin)
    stated = {key: about_fields[key] for key in _ABOUT_ORIGIN if key in about_fields}
    if stated:
        sender = replace(sender, **stated)
    by_name = dict(zip(names, map(Kind, kinds), strict=True))
    return number, Layout(sender, block_name, by_name, about_fields.get(_TAGS))


def _about(layout: Layout) -> dict[str, Any]:
    """Return what stands behind the array of a layout: only what there is."""
    about = {key: getattr(layout.origin, key) for key in _ABOUT_ORIGIN}
    about[_TAGS] = layout.tags
    return {key: value for key, value in about.items() if value}


def _cover(fields: list[Any]) -> Cover:
    *key, bounds = fields
    return Cover(BlockKey(*key), Ranges(bounds))
