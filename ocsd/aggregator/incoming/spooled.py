"""Messages as an agent's spool keeps them, packed for the journal without decoding each.

The messages of a feed usually differ in their numbers only. A `Template` has what they share, and
says where the numbers are. numpy compares all messages with it, and copies their numbers, in one
pass. So the types of all values are known without a look at any: a number of another type has
another byte before it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsd.agent.spool.segment import packed, unpacked
from ocsd.aggregator.incoming.packing import PackingLayout
from ocsd.journal.kinds import Kind

Bytes = NDArray[np.uint8]

_BEGINS: Final = b"m{u"
"""A map whose first key is a text, in the format of Python."""

BEGINNING_BYTES: Final = 32
"""All bytes before the first number, or a part of them: they have the name of the block."""

# Two numbers of each type all of whose bytes differ, and how it is packed behind its first byte.
_PROBES: Final[Mapping[type, tuple[Any, Any, str]]] = {
    float: (0.0, float(np.frombuffer(b"\1" * 8, "<f8")[0]), "<f8"),
    int: (0, 0x01010101, "<i4"),
}


class SpooledRun(NamedTuple):
    """Messages of one feed in one life of its agent, ascending in number."""

    info: Mapping[str, Any]
    """The feed's description."""
    numbers: list[int]
    bodies: list[bytes]

    def pairs(self) -> list[tuple[Any, Mapping[str, Any]]]:
        """Return each message with its feed_info; without those that cannot be decoded."""
        pairs: list[tuple[Any, Mapping[str, Any]]] = []
        for number, body in zip(self.numbers, self.bodies, strict=True):
            try:
                pairs.append((unpacked(body), {**self.info, "seq": number}))
            except ValueError:
                continue  # It stays missing, and its agent is asked for it.
        return pairs

    def part(self, begin: int, end: int) -> "SpooledRun":
        """Return the messages at some places."""
        return SpooledRun(self.info, self.numbers[begin:end], self.bodies[begin:end])


class Column(NamedTuple):
    """The place of a column in messages."""

    offset: int
    """Bytes before its first number."""
    code: str
    """Type of its numbers there, for numpy."""
    stride: int
    """Bytes from one number to the next."""
    is_int: bool
    """Whether the layout wants integers."""


class Template(NamedTuple):
    """Messages of one block that differ in their numbers only."""

    length: int
    """Samples."""
    reference: Bytes
    """All that they share, with zeros for numbers."""
    is_fixed: Bytes
    """255 for each byte that they share, 0 for each of a number."""
    columns: tuple[Column, ...]
    """Times and fields, in the order of the layout."""

    @classmethod
    def of(cls, body: bytes, layout: PackingLayout) -> "Template | None":
        """Return the template of a message that has been recorded with this layout; None if none.

        There is none if a column has anything but floats, or but ints of 32 bits.
        """
        found = None
        if layout.is_plain and body[:3] == _BEGINS:
            found = _template(body, unpacked(body), layout)
        return found

    def contents(self, bodies: Sequence[bytes]) -> tuple[list[bytes], NDArray[np.float64]] | None:
        """Return the packed samples of messages of the same size, and their times.

        Returns
        -------
        (list of bytes, ndarray of float64 of shape (messages, samples)) or None
            None if one of them differs in more than its numbers.
        """
        count, size_bytes = len(bodies), len(self.reference)
        raw = np.frombuffer(b"".join(bodies), np.uint8).reshape(count, size_bytes)
        differs = raw ^ self.reference
        differs &= self.is_fixed
        if differs.any():
            return None
        floats = np.empty((count, len(self.columns), self.length))
        ints = floats.view(np.int64)
        shape = count, self.length
        for place, (offset, code, stride, is_int) in enumerate(self.columns):
            values: Any = np.ndarray(shape, code, raw, offset, (size_bytes, stride))
            (ints if is_int else floats)[:, place] = values
        content, width = floats.tobytes(), 8 * len(self.columns) * self.length
        contents = [content[place : place + width] for place in range(0, len(content), width)]
        return contents, floats[:, 0]


def block_name(body: bytes) -> str:
    """Return the name of the first block of a message; any text if it has another format."""
    end = 7 + int.from_bytes(body[3:7], "little")
    return body[7:end].decode(errors="replace")


def _template(body: bytes, message: Any, layout: PackingLayout) -> Template | None:
    ((_, block),) = message.items() if len(message) == 1 else ((None, None),)
    if block is None or block.get("influxdb_tags") != layout.tags:
        return None
    times, data = block["timestamps"], block["data"]
    # As they lie in the message; no field has the name "".
    fields = {"": times, **data} if [*block].index("timestamps") < [*block].index("data") else {}
    fields = fields or {**data, "": times}
    types = {name: set(map(type, values)) for name, values in fields.items()}
    wanted = {"": Kind.FLOAT, **layout.kinds}
    if fields.keys() != wanted.keys() or {len(values) for values in fields.values()} != {
        len(times)
    }:
        return None
    if not all(len(each) == 1 and each <= _PROBES.keys() for each in types.values()):
        return None
    if any(types[name] != {int} for name, kind in wanted.items() if kind is Kind.INT):
        return None
    probes = {name: _PROBES[each.pop()] for name, each in types.items()}
    zeros, ones = (_probe(message, probes, place) for place in (0, 1))
    if not len(zeros) == len(ones) == len(body):
        return None  # Numbers of more than 32 bits.
    differs = np.frombuffer(zeros, np.uint8) != np.frombuffer(ones, np.uint8)
    places, place = np.flatnonzero(differs), 0
    columns = {}
    for name, (_, _, code) in probes.items():
        size = int(code[-1])
        columns[name] = Column(int(places[place]), code, 1 + size, wanted[name] is Kind.INT)
        place += size * len(times)
    found = Template(
        len(times),
        np.frombuffer(zeros, np.uint8),
        np.where(differs, 0, 255).astype(np.uint8),
        tuple(columns[name] for name in wanted),
    )
    # The format is Python's own: nothing is taken for granted.
    lists = [times, *map(data.__getitem__, layout.names)]
    packed_here = found.contents([body])
    is_right = packed_here and packed_here[0] == layout.pack_lists(lists, len(times))
    return found if is_right and place == len(places) else None


def _probe(message: Mapping[str, Any], probes: Mapping[str, Any], place: int) -> bytes:
    """Return a packed message with the same number in all places of a column."""
    ((name, block),) = message.items()
    length = len(block["timestamps"])
    data = {field: [probes[field][place]] * length for field in block["data"]}
    times = [probes[""][place]] * length
    return packed({name: {**block, "timestamps": times, "data": data}})
