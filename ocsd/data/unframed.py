"""Reads the last minutes: samples that are in the aggregator's journal and in no file yet.

The journal is read without locks while the aggregator writes it. Whatever the journal says at
that moment counts: a file is then read only as far as the journal knows it, so that no sample
is missing or there twice, whenever the next frame is written. A segment that is deleted
meanwhile holds only samples that are in files.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ocsd import journal
from ocsd.data.index import FileSummary, IndexedBlock, IndexedSource
from ocsd.data.scan import HOLES_FEED, block_of, holes_of
from ocsd.data.spans import believable
from ocsd.journal.kinds import Kind
from ocsd.journal.layout import PackedBlock, Values, gather
from ocsd.journal.ranges import Ranges

_Segment = tuple[Path, bytes]
_Key = tuple[str, str, str, tuple[tuple[str, Kind], ...]]
"""Feed, life of the agent, name of the block, fields with their types."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Samples that wait for a frame, of one block and one life of the agent."""

    feed: str
    agent_session: str
    block_name: str
    kinds: Mapping[str, Kind]
    values: Mapping[str, Values]
    """By field; "" are the Unix times [s], in the order of arrival."""
    units: Mapping[str, str]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UnframedRows:
    """The content of the journal that is in no file."""

    columns: Sequence[Columns]
    ends: Mapping[str, int]
    """Length of each file, as far as the journal knows it [bytes]."""
    read_at: float
    """Time before the journal was read [s, Unix time]: later files are unknown to it."""
    name: str
    """Name of its first segment within the data folder."""
    size_bytes: int

    def summary(self) -> FileSummary | None:
        """Return a summary as of a file; None if no samples wait."""
        if not self.columns:
            return None
        return FileSummary(
            name=self.name,
            size_bytes=self.size_bytes,
            mtime_ns=int(self.read_at * 1e9),
            frames=0,
            sources=tuple(self._sources()),
            holes=tuple(hole for each in self.columns for hole in _holes(each)),
            damage=(),
        )

    def _sources(self) -> Iterator[IndexedSource]:
        blocks: dict[tuple[str, str], list[IndexedBlock]] = defaultdict(list)
        about_fields: dict[tuple[str, str], tuple[Mapping[str, str], Mapping[str, str]]] = {}
        limits = believable(self.read_at, self.read_at)
        for each in self.columns:
            fields = {name: str(kind) for name, kind in each.kinds.items()}
            times = np.sort(np.asarray(each.values[""]))
            block = block_of(each.block_name, fields, times, limits)
            blocks[each.feed, each.agent_session].append(block)
            about_fields[each.feed, each.agent_session] = each.units, each.labels
        for (feed, session), found in blocks.items():
            yield IndexedSource(feed, session, (), tuple(found), *about_fields[feed, session])


def read(folder: Path, now_at: float) -> UnframedRows | None:
    """Return the content of the journal of a data folder now [s, Unix time]; None without one.

    A journal that this user may not read is like none.
    """
    segments = list(_segments(journal.journal_folder(folder)))
    if not segments:
        return None
    messages: list[journal.Message] = []
    covered: dict[journal.BlockKey, Ranges] = defaultdict(Ranges)
    ends: dict[str, int] = {}
    for _, content in segments:
        for entry in journal.read(content):
            match entry:
                case journal.Message():
                    messages.append(entry)
                case journal.File(name, length):
                    ends[name] = max(ends.get(name, 0), length)
                case journal.FrameAppended():
                    _cover(folder, entry, covered, ends)
    return UnframedRows(
        columns=[*_columns(messages, covered)],
        ends=ends,
        read_at=now_at,
        name=segments[0][0].relative_to(folder).as_posix(),
        size_bytes=sum(len(content) for _, content in segments),
    )


def _segments(folder: Path) -> Iterator[_Segment]:
    for _, path in journal.segments(folder):
        try:
            yield path, path.read_bytes()
        except OSError:  # deleted meanwhile, or not for this user
            continue


def _cover(
    folder: Path,
    frame: journal.FrameAppended,
    covered: dict[journal.BlockKey, Ranges],
    ends: dict[str, int],
) -> None:
    """Take a frame as written, unless a power cut has taken it."""
    end = frame.offset + frame.length
    try:
        there = os.stat(folder / frame.name).st_size >= end
    except OSError:
        there = False
    if there:
        ends[frame.name] = max(ends.get(frame.name, 0), end)
        for cover in frame.covers:
            for first, after in cover.numbers:
                covered[cover.key].add(first, after)


def _columns(
    messages: Sequence[journal.Message], covered: Mapping[journal.BlockKey, Ranges]
) -> Iterator[Columns]:
    waiting: dict[_Key, list[PackedBlock]] = defaultdict(list)
    for message in messages:
        for packed in message.blocks:
            layout = packed.layout
            key = journal.block_key(layout.origin, layout.block_name)
            if packed.length and message.number not in covered.get(key, ()):
                kinds = tuple(layout.kinds.items())
                waiting[key.address, key.session_id, key.block_name, kinds].append(packed)
    for (feed, session, name, kinds), blocks in waiting.items():
        origin = blocks[-1].layout.origin
        columns = gather(blocks, dict(kinds))
        yield Columns(feed, session, name, dict(kinds), columns, origin.units, origin.labels)


def _holes(columns: Columns) -> list[Any]:
    if not columns.feed.endswith(HOLES_FEED):
        return []
    times = np.asarray(columns.values[""]).tolist()
    return holes_of(columns.block_name, columns.values, times)
