"""Reads a file whole and sums up its content."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ocsd.agent.feeds.units import LABELS, UNITS
from ocsd.aggregator.frames.schema import DATA, FOR_DATABASES, STATUS
from ocsd.aggregator.numbers import hole
from ocsd.aggregator.numbers.hole import Hole
from ocsd.data.decode import Whole, kind_word, pieces, seconds
from ocsd.data.index import Damage, FileSummary, IndexedBlock, IndexedFrame, IndexedSource
from ocsd.data.spans import (
    BELIEVED_AHEAD_S,
    MOST_BEHIND_S,
    Outliers,
    Span,
    believable,
    longest_pause_s,
)

HOLES_FEED: Final = f".feeds.{hole.HOLES_FEED_NAME}"
ABOUT_FIELDS: Final = frozenset({UNITS, LABELS})
# Raised when an entry of a frame is missing or of another type.
NOT_OF_THE_SCHEMA: Final = (KeyError, AttributeError, TypeError, ValueError, RuntimeError)

Observer = Callable[[str, Any], None]

MOST_SPANS_OF_BLOCK: Final = 200
"""Limit of spans in the index, for feeds without any rhythm."""


@dataclass(slots=True)
class _SourceSoFar:
    """The frames and times of a source so far; blocks by name and fields."""

    frames: list[IndexedFrame] = field(default_factory=list)
    times: dict[tuple[str, tuple[tuple[str, str], ...]], list[NDArray[np.float64]]] = field(
        default_factory=dict
    )
    about_fields: dict[str, dict[str, str]] = field(default_factory=dict)


class Providers:
    """The feeds behind the numbers of providers, as listed in status frames."""

    def __init__(self) -> None:
        self._addresses: dict[int, str] = {}
        self._about_fields: dict[int, dict[str, dict[str, str]]] = {}
        self._for_databases: dict[int, str] = {}

    def read(self, frame: Any) -> None:
        """Read a status frame."""
        self._addresses = {
            entry["prov_id"].value: entry["description"].value for entry in frame["providers"]
        }
        self._about_fields = {
            entry["prov_id"].value: {
                key: dict(entry[key]) for key in ABOUT_FIELDS & {*entry.keys()}
            }
            for entry in frame["providers"]
        }

        self._for_databases = {
            entry["prov_id"].value: entry[FOR_DATABASES].value
            for entry in frame["providers"]
            if FOR_DATABASES in entry.keys()  # noqa: SIM118 # no dict
        }

    def for_databases(self, frame: Any) -> str:
        """Return, as JSON, what a writer to databases needs of a data frame; empty if nothing."""
        return self._for_databases.get(frame["prov_id"], "")

    def address(self, frame: Any) -> str | None:
        """Return the feed of a data frame; None if no status frame has listed it."""
        return self._addresses.get(frame["prov_id"])

    def about_fields(self, frame: Any) -> Mapping[str, Mapping[str, str]]:
        """Return the units and the labels of the fields of a data frame, where there are any."""
        return self._about_fields.get(frame["prov_id"], {})


def scan(
    path: Path, name: str, end: int | None = None, observe: Observer | None = None
) -> FileSummary:
    """Return a summary of a file, which has `name` there, up to a byte `end` if there is one.

    `observe` is called with the feed of each data frame, and the frame.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    before = path.stat()
    found = Found(observe=observe)
    opened_at = before.st_mtime
    if path.stem.isdigit():
        opened_at = float(path.stem)
    limits = believable(opened_at, before.st_mtime)
    for piece in pieces(path):
        if end is not None and piece.offset >= end:
            break
        if isinstance(piece, Damage):
            found.damage.append(piece)
            continue
        try:
            found.take(piece)
        except NOT_OF_THE_SCHEMA as error:
            reason = f"the frame is not of the schema: {error}"
            found.damage.append(Damage(piece.offset, piece.length, reason, at_end=False))
    return FileSummary(
        name=name,
        size_bytes=before.st_size,
        mtime_ns=before.st_mtime_ns,
        frames=found.frames,
        sources=found.sources(limits),
        holes=tuple(found.holes),
        damage=tuple(found.damage),
    )


class Found:
    """The content of a file so far; the feeds of its providers may be known from before."""

    def __init__(self, providers: Providers | None = None, observe: Observer | None = None) -> None:
        self.frames = 0
        self.holes: list[Hole] = []
        self.damage: list[Damage] = []
        self._sources: dict[tuple[str, str], _SourceSoFar] = {}
        self._providers = providers or Providers()
        self._observe = observe

    def take(self, piece: Whole) -> None:
        """Add a frame."""
        self.frames += 1
        hkagg_type = piece.frame.get("hkagg_type")
        if hkagg_type == STATUS:
            self._providers.read(piece.frame)
        elif hkagg_type == DATA:
            feed = self._providers.address(piece.frame) or piece.frame["address"]
            session = str(piece.frame.get("provider_session_id", ""))
            source = self._sources.setdefault((feed, session), _SourceSoFar())
            _take(source, piece)
            for key, texts in self._providers.about_fields(piece.frame).items():
                source.about_fields.setdefault(key, {}).update(texts)
            if feed.endswith(HOLES_FEED):
                self.holes += _holes(piece.frame)
            if self._observe is not None:
                self._observe(feed, piece.frame)

    def sources(self, limits: Span) -> tuple[IndexedSource, ...]:
        """Return the sources; samples not between `limits` [s, Unix time] are outliers."""
        return tuple(_source(*key, source, limits) for key, source in self._sources.items())


def blocks_of(frame: Any) -> Iterator[tuple[str, Any]]:
    """Yield name and G3TimesampleMap of each block of a data frame."""
    names = dict(enumerate(frame.get("block_names", [])))
    for number, block in enumerate(frame["blocks"]):
        yield names.get(number, f"block{number}"), block


def _take(source: _SourceSoFar, piece: Whole) -> None:
    edges = []
    for name, block in blocks_of(piece.frame):
        times = seconds(np.asarray(block.times))
        if not len(times):
            continue
        fields = tuple((key, kind_word(block[key])) for key in block.keys())  # noqa: SIM118 # no dict
        source.times.setdefault((name, fields), []).append(times)
        edges += [float(times.min()), float(times.max())]
    if edges:
        source.frames.append(IndexedFrame(piece.offset, piece.length, min(edges), max(edges)))


def _source(feed: str, agent_session: str, found: _SourceSoFar, limits: Span) -> IndexedSource:
    blocks = tuple(
        block_of(name, dict(fields), np.sort(np.concatenate(parts)), limits)
        for (name, fields), parts in found.times.items()
    )
    return IndexedSource(feed, agent_session, tuple(found.frames), blocks, **found.about_fields)


def block_of(
    name: str, fields: Mapping[str, str], times: NDArray[np.float64], limits: Span
) -> IndexedBlock:
    """Return the summary of samples of a block.

    Parameters
    ----------
    name : str
        Name of the block.
    fields : mapping of str to str
        Type of each field.
    times : ndarray of float64, shape (n,)
        Unix times [s], ascending.
    limits : Span
        Samples that are not between these times are outliers [s, Unix time].
    """
    begin, end = np.searchsorted(times, limits)
    outliers = _outliers(times[:begin], limits[0] + MOST_BEHIND_S)
    outliers += _outliers(times[end:], limits[1] - BELIEVED_AHEAD_S)
    interval_s = _usual_interval_s(times[begin:end])
    spans = _spans(times[begin:end], interval_s)
    return IndexedBlock(name, fields, len(times), interval_s, spans, outliers)


def _outliers(times: NDArray[np.float64], near: float) -> tuple[Outliers, ...]:
    """Return samples that are too far from the time `near` [s, Unix time], if there are any."""
    if not len(times):
        return ()
    first, last = float(times[0]), float(times[-1])
    away_s = max(first - near, last - near, key=abs)
    return (Outliers(len(times), first, last, away_s),)


def _usual_interval_s(times: NDArray[np.float64]) -> float | None:
    steps = np.diff(times)
    steps = steps[steps > 0]
    if len(steps) < 2:
        return None
    # G3 keeps times to 10 ns, floats of today's times hold about 240 ns.
    return round(float(np.median(steps)), 7)


def _spans(times: NDArray[np.float64], interval_s: float | None) -> tuple[Span, ...]:
    if not len(times):
        return ()
    if interval_s is None:
        return ((float(times[0]), float(times[-1])),)
    steps = np.diff(times)
    cuts = np.flatnonzero(steps > longest_pause_s(interval_s))
    if len(cuts) >= MOST_SPANS_OF_BLOCK:
        longest = np.argsort(steps[cuts], kind="stable")[-(MOST_SPANS_OF_BLOCK - 1) :]
        cuts = np.sort(cuts[longest])
    begins = np.concatenate(([0], cuts + 1))
    ends = np.concatenate((cuts, [len(times) - 1]))
    return tuple(zip(times[begins].tolist(), times[ends].tolist(), strict=True))


def _holes(frame: Any) -> list[Hole]:
    holes = []
    for name, block in blocks_of(frame):
        columns = {key: block[key] for key in block.keys()}  # noqa: SIM118 # no dict
        holes += holes_of(name, columns, seconds(np.asarray(block.times)).tolist())
    return holes


def holes_of(block_name: str, columns: Mapping[str, Any], times: Sequence[float]) -> list[Hole]:
    """Return the holes in a block of the feed of holes; `times` are when they were recorded."""
    if block_name != hole.HOLES_BLOCK_NAME or not set(Hole.__slots__) <= columns.keys():
        return []
    holes = []
    rows = zip(*(list(columns[key]) for key in Hole.__slots__), strict=True)
    for at, row in zip(times, rows, strict=True):
        written = Hole(*map(_plain, row))
        begin = hole.finite(written.from_time, default=at)
        end = hole.finite(written.until_time, default=at)
        holes.append(replace(written, from_time=begin, until_time=end))
    return holes


def _plain(value: Any) -> Any:
    """Return a value of JSON's types: spt3g returns numpy's."""
    if isinstance(value, np.generic):
        return value.item()
    return value
