"""The trend file (docs/reference/trend.md): written whole, read in parts."""

import json
import os
import struct
from binascii import crc32
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ocsd.data.spans import Span
from ocsd.data.trend.bins import Bins, Stack
from ocsd.data.trend.texts import Change
from ocsd.system.files import replacing

VERSION: Final = 1
TREND_MAGIC: Final = b"OCSDTRND"

_HEAD: Final = struct.Struct("<8sIII")
_READ_AHEAD: Final = 2**16
_CODES: Final = {"f": "<f8", "i": "<i8"}


class BadTrendError(Exception):
    """A trend file that is damaged, of another version or of other sources.

    Internal to the reading: it is made again. `path` is the file.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.path = path


@dataclass(frozen=True, slots=True)
class BinnedBlock:
    """The bins of fields of a feed that were sampled together."""

    feed: str
    name: str
    kinds: Mapping[str, str]
    """Type of each field: ``float``, ``int``, ``bool`` or ``str``."""
    levels: Mapping[int, Bins]
    """By the length of the bins [s]."""
    texts: Mapping[str, list[Change] | None]
    """The changes of each text field; None if they are too many."""

    @property
    def steps_s(self) -> list[int]:
        """The lengths of the bins that there are [s]."""
        return [*self.levels]

    def bins(self, step_s: int, names: Sequence[str]) -> Bins:
        """Return the bins of some fields at a level, the fields of one type together."""
        found = self.levels[step_s]
        stacks = (stack.rows(names) for stack in found.stacks)
        return Bins(found.index, found.n, tuple(stack for stack in stacks if stack.names))

    def changes(self, name: str) -> list[Change] | None:
        """Return the changes of a text field; None if they are too many."""
        return self.texts[name]


@dataclass(frozen=True, slots=True)
class Trend:
    """The content of a trend file."""

    key: str
    """Says which files, of which sizes and times, it was made of."""
    spans: Sequence[Span]
    """Times with samples."""
    children: Mapping[str, Sequence[Span]]
    """The files or folders it was made of, with their times; empty for that of one file."""
    blocks: Sequence[BinnedBlock]
    summaries: Sequence[Mapping[str, Any]]
    """Summaries of all files together, as of the index; empty for that of one file."""


def encoded(trend: Trend) -> bytes:
    """Return the content of the file of a trend."""
    body = _Body()
    header = {
        "key": trend.key,
        "spans": trend.spans,
        "blocks": [_block(body, block) for block in trend.blocks],
        "children": body.json(trend.children),
        "summaries": body.json(trend.summaries),
    }
    text = json.dumps(header).encode()
    text += b" " * (-(_HEAD.size + len(text)) % 8)
    return _HEAD.pack(TREND_MAGIC, VERSION, len(text), crc32(text)) + text + body.bytes()


def write(path: Path, content: bytes) -> None:
    """Write a trend file whole, so that a reader finds all of it or none.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path, shared=True) as beside, beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # its name may be lost in a power cut, because it is made again


class TrendFile:
    """A trend file, of which parts are read as they are needed.

    `content` is what it would have, if it could not be written.

    Raises
    ------
    BadTrendError
        If it is damaged, of another version, or cannot be read.
    """

    def __init__(self, path: Path, content: bytes | None = None) -> None:
        self._path = path
        self._content = content
        beginning = self._pieces([(0, _READ_AHEAD)])[0]
        magic, version, length, checksum = _head(path, beginning)
        text = beginning[_HEAD.size : _HEAD.size + length]
        if len(text) < length:
            text = self._pieces([(_HEAD.size, length)])[0]
        if magic != TREND_MAGIC or version != VERSION or crc32(text) != checksum:
            raise BadTrendError(path, f"is damaged, or of another version than {VERSION}")
        header = json.loads(text)
        self._begin = _HEAD.size + length
        self.key: str = header["key"]
        self.spans: list[Span] = [(begin, end) for begin, end in header["spans"]]
        self.blocks = [StoredBlock(self, entry) for entry in header["blocks"]]
        self._parts = {name: header[name] for name in ("children", "summaries")}

    @property
    def held_bytes(self) -> int:
        """Size of the content that is in memory, because it could not be written [bytes]."""
        return len(self._content or b"")

    def children(self) -> dict[str, list[Span]]:
        """Return the times of the files or folders that it was made of.

        Raises
        ------
        BadTrendError
            If it cannot be read.
        """
        return {
            name: [(begin, end) for begin, end in spans]
            for name, spans in self.json(*self._parts["children"]).items()
        }

    def summaries(self) -> list[Mapping[str, Any]]:
        """Return what the index says of all of its files together.

        Raises
        ------
        BadTrendError
            If it cannot be read.
        """
        found: list[Mapping[str, Any]] = self.json(*self._parts["summaries"])
        return found

    def json(self, offset: int, length: int, checksum: int) -> Any:
        """Return a part that is JSON."""
        return json.loads(self.read([(offset, length, checksum)])[0])

    def read(self, parts: Sequence[Sequence[int]]) -> list[bytes]:
        """Return parts of the file, each given by offset, length and checksum."""
        found = self._pieces([(self._begin + part[0], part[1]) for part in parts])
        for content, part in zip(found, parts, strict=True):
            if len(content) != part[1] or crc32(content) != part[2]:
                raise BadTrendError(self._path, "is damaged")
        return found

    def _pieces(self, places: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes at offsets, of lengths."""
        if self._content is not None:
            return [self._content[offset : offset + length] for offset, length in places]
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                return [os.pread(descriptor, length, offset) for offset, length in places]
            finally:
                os.close(descriptor)
        except OSError as error:
            raise BadTrendError(self._path, f"cannot be read: {error.strerror}") from error


class StoredBlock:
    """A block of a trend file."""

    def __init__(self, file: TrendFile, entry: Mapping[str, Any]) -> None:
        self._file = file
        self.feed: str = entry["feed"]
        self.name: str = entry["name"]
        self.kinds: dict[str, str] = entry["kinds"]
        self.steps_s: list[int] = [level["step"] for level in entry["levels"]]
        self._levels = {level["step"]: level for level in entry["levels"]}
        self._texts: list[int] = entry["texts"]

    def bins(self, step_s: int, names: Sequence[str]) -> Bins:
        """Return the bins of some fields at a level, the fields of one type together.

        Raises
        ------
        BadTrendError
            If they cannot be read.
        """
        level = self._levels[step_s]
        there = [name for name in names if name in level["rows"]]
        times, *rows = self._file.read([level["times"], *map(level["rows"].get, there)])
        count: int = level["bins"]
        index = np.frombuffer(times, "<i8", count)
        n = np.frombuffer(times, "<u4", count, 8 * count).astype(np.int64)
        floats: dict[str, bytes] = {}
        whole: dict[str, bytes] = {}
        for name, row in zip(there, rows, strict=True):
            alike = whole
            if self.kinds[name] == "float":
                alike = floats
            alike[name] = row
        found = (_unpacked(floats, "<f8", count), _unpacked(whole, "<i8", count))
        return Bins(index, n, tuple(stack for stack in found if stack is not None))

    def changes(self, name: str) -> list[Change] | None:
        """Return the changes of a text field; None if they are too many.

        Raises
        ------
        BadTrendError
            If they cannot be read.
        """
        found = self._file.json(*self._texts)[name]
        if found is None:
            return None
        return [(at, text) for at, text in found]


class _Body:
    """The parts of a file behind its header."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0

    def add(self, content: bytes) -> list[int]:
        """Add a part; return its offset, length and checksum."""
        place = [self._length, len(content), crc32(content)]
        padded = content + bytes(-len(content) % 8)
        self._parts.append(padded)
        self._length += len(padded)
        return place

    def json(self, value: Any) -> list[int]:
        """Add a part that is JSON."""
        return self.add(json.dumps(value).encode())

    def bytes(self) -> bytes:
        """Return all parts."""
        return b"".join(self._parts)


def _head(path: Path, beginning: bytes) -> tuple[bytes, int, int, int]:
    try:
        magic, version, length, checksum = _HEAD.unpack_from(beginning)
    except struct.error as error:
        raise BadTrendError(path, "ends within its head") from error
    return magic, version, length, checksum


def _block(body: _Body, block: BinnedBlock) -> dict[str, Any]:
    return {
        "feed": block.feed,
        "name": block.name,
        "kinds": dict(block.kinds),
        "levels": [_level(body, step_s, bins) for step_s, bins in block.levels.items()],
        "texts": body.json(block.texts),
    }


def _level(body: _Body, step_s: int, bins: Bins) -> dict[str, Any]:
    times = body.add(bins.index.astype("<i8").tobytes() + bins.n.astype("<u4").tobytes())
    rows = {}
    for stack in bins.stacks:
        for name, content in zip(stack.names, _packed(stack), strict=True):
            rows[name] = body.add(content)
    return {"step": step_s, "bins": len(bins.index), "times": times, "rows": rows}


def _packed(stack: Stack) -> Iterator[bytes]:
    """Yield each row: least, greatest, sum; and the numbers of NaN if there are any."""
    ends = np.concatenate([stack.least, stack.greatest], axis=1)
    code = _CODES[ends.dtype.kind]
    # The bytes of whole numbers are kept as they are.
    table = np.concatenate([ends.astype(code).view("<f8"), stack.total.astype("<f8")], axis=1)
    has_nans = np.count_nonzero(stack.nans, axis=1) > 0
    for row, nans, has_some in zip(table, stack.nans, has_nans, strict=True):
        content = row.tobytes()
        if has_some:
            content += nans.astype("<u4").tobytes()
        yield content


def _unpacked(rows: Mapping[str, bytes], code: str, count: int) -> Stack | None:
    """Return the rows of fields of one type; None if there are none."""
    if not rows:
        return None
    ends = [np.frombuffer(content, code, 2 * count) for content in rows.values()]
    totals = [np.frombuffer(content, "<f8", count, 16 * count) for content in rows.values()]
    nans = np.zeros((len(rows), count), dtype=np.int64)
    for at, content in enumerate(rows.values()):
        if len(content) > 24 * count:
            nans[at] = np.frombuffer(content, "<u4", count, 24 * count)
    return Stack(
        tuple(rows),
        np.stack([each[:count] for each in ends]),
        np.stack([each[count:] for each in ends]),
        np.stack(totals),
        nans,
    )
