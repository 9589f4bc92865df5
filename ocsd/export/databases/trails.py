"""Reads samples from a place on: of the journal, and of the G3 files."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from ocsd import journal
from ocsd.aggregator.frames.schema import DATA, STATUS
from ocsd.data.decode import Whole, kind_word, pieces
from ocsd.data.folder import REACH_S, DataFolder
from ocsd.data.scan import NOT_OF_THE_SCHEMA, Providers, blocks_of
from ocsd.errors import NoDataError
from ocsd.export.databases.cursor import FilePlace, FileSpan, Position, opened_at
from ocsd.export.databases.lines import times_of
from ocsd.export.databases.points import BlockSamples, PointModel, described
from ocsd.journal.kinds import Kind
from ocsd.journal.layout import Layout, PackedBlock

CHUNK_BYTES: Final = 2**20


class Read(NamedTuple):
    """Samples from the journal, and what it no longer has."""

    samples: list[BlockSamples]
    lost: list[FileSpan]
    """Parts of the files that hold what was deleted from the journal unread."""


class JournalTrail:
    """Reads the journal of a data folder.

    Parameters
    ----------
    folder : Path
        The data folder.
    begin : Position
        Where to begin.
    newest : bool
        Begin with what comes from now on, instead.

    Attributes
    ----------
    position : Position
        Behind what has been read.
    """

    def __init__(self, folder: Path, begin: Position, *, newest: bool = False) -> None:
        self._folder = folder
        start: journal.JournalPlace | journal.Start = begin.place or journal.Start.OLDEST
        if newest:
            start = journal.Start.NEWEST
        self.position = replace(begin, place=None) if newest else begin
        self._follower = journal.JournalFollower(journal.journal_folder(folder), start)

    @property
    def behind(self) -> bool:
        """Whether there is more to read at once."""
        return self._follower.behind

    def read(self) -> Read:
        """Return the next samples, of about a mebibyte.

        Raises
        ------
        JournalVersionError, OSError
            If the journal cannot be read.
        """
        found = Read([], [])
        blocks: list[PackedBlock] = []
        framed = self.position.framed
        for entry in self._follower.poll(CHUNK_BYTES):
            match entry:
                case journal.Message():
                    blocks += entry.blocks
                # The latest is the last: after a clock was set back, names of files go back.
                case journal.File(name, length):
                    framed = FilePlace(name, length)
                case journal.FrameAppended(name, offset, length):
                    framed = FilePlace(name, offset + length)
                case journal.Lost(since_at):
                    found.lost.extend(span_of_files(self._folder, framed, since_at))
        found.samples.extend(unpacked(blocks))
        self.position = Position(self._follower.place or self.position.place, framed)
        return found

    def close(self) -> None:
        """Close the segment that is open."""
        self._follower.close()


def unpacked(blocks: Iterable[PackedBlock]) -> Iterator[BlockSamples]:
    """Yield the samples of blocks that go to databases, those of the same layout together."""
    alike: defaultdict[tuple[Layout, int], list[bytes]] = defaultdict(list)
    for layout, length, content in blocks:
        if length and not layout.origin.exclude_influx:
            alike[layout, length].append(content)
    for (layout, length), contents in alike.items():
        yield BlockSamples(described(layout), layout.unpack(length, contents))


def span_of_files(folder: Path, framed: FilePlace | None, since_at: float) -> list[FileSpan]:
    """Return the part of the files, as they are now, that is behind `framed`.

    If that is unknown, it is the part that can have data since a time [Unix s]; without either,
    nothing has ever been read.
    """
    files = names_of_files(folder)
    if framed is None and since_at > 0:
        reached = [name for name in files if opened_at(name) >= since_at - REACH_S]
        framed = FilePlace(reached[0], 0) if reached else None
    until = end_of_files(folder)
    if framed is None or until.key <= framed.key:
        return []
    return [FileSpan(framed, until)]


def end_of_files(folder: Path) -> FilePlace:
    """Return the end of the files of a data folder as they are now."""
    files = names_of_files(folder)
    if not files:
        return FilePlace("", 0)
    return FilePlace(files[-1], (folder / files[-1]).stat().st_size)


def _ignored(_place: FilePlace) -> None:
    pass


def frames(
    folder: Path, span: FileSpan, passed_over: Callable[[FilePlace], None] = _ignored
) -> Iterator[tuple[list[BlockSamples], FilePlace]]:
    """Yield the samples of each frame of a part of the files, and the place behind it.

    Damaged frames are passed over, and `passed_over` is called with the place behind each:
    `ocsd data verify` shows them.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    for name in names_of_files(folder):
        if not span.begin.key[0] <= opened_at(name) <= span.until.key[0]:
            continue
        providers = Providers()
        for piece in pieces(folder / name):
            place = FilePlace(name, piece.offset + piece.length)
            if FilePlace(name, piece.offset).key >= span.until.key:
                break
            samples: list[BlockSamples] = []
            if isinstance(piece, Whole):
                samples = _of_frame(providers, piece.frame, wanted=place.key > span.begin.key)
            else:
                passed_over(place)
            yield samples, place


def _of_frame(providers: Providers, frame: Any, *, wanted: bool) -> list[BlockSamples]:
    try:
        if frame.get("hkagg_type") == STATUS:
            providers.read(frame)
        elif wanted and frame.get("hkagg_type") == DATA:
            return list(_samples(providers, frame))
    except NOT_OF_THE_SCHEMA:
        pass
    return []


def _samples(providers: Providers, frame: Any) -> Iterator[BlockSamples]:
    feed = providers.address(frame) or frame["address"]
    told: Mapping[str, Any] = json.loads(providers.for_databases(frame) or "{}")
    if told.get("exclude_influx"):
        return
    tags = told.get("influxdb_tags", {})
    for name, block in blocks_of(frame):
        kinds = {key: Kind(kind_word(block[key])) for key in block.keys()}  # noqa: SIM118 # no dict
        columns = {key: _values(kind, block[key]) for key, kind in kinds.items()}
        columns[""] = times_of(np.asarray(block.times))
        own = tags.get(name)
        if own is not None and own.keys() != kinds.keys():
            own = None
        yield BlockSamples(PointModel(feed, kinds, own, told.get("agent_class", "")), columns)


def _values(kind: Kind, vector: Any) -> Any:
    if kind is Kind.TEXT:
        return list(vector)
    return np.asarray(vector)


def names_of_files(folder: Path) -> list[str]:
    """Return the names of the G3 files of a data folder, in order."""
    try:
        whole = DataFolder(folder)
    except NoDataError:
        return []
    return [whole.name(path) for path in whole.files()]
