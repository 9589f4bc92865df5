"""The content of a file, as values that survive a trip through JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

from ocsd.aggregator.numbers.hole import Hole
from ocsd.data.spans import Outliers, Span


class IndexedFrame(NamedTuple):
    """The place of a data frame in its file, and the times of its samples [s, Unix time].

    A tuple, because a month of 50 agents has half a million: tuples are short in JSON
    and quick to read from it.
    """

    offset: int
    length: int
    from_at: float
    until_at: float


@dataclass(frozen=True, slots=True)
class IndexedBlock:
    """The samples of fields that were sampled together."""

    name: str
    fields: Mapping[str, str]
    """Type of each field: ``float``, ``int``, ``bool`` or ``str``."""
    samples: int
    """Number of samples of each field."""
    interval_s: float | None
    """The usual time between samples [s]; None if there are too few samples."""
    spans: tuple[Span, ...]
    """Times with samples, split at each silence; without the outliers."""
    outliers: tuple[Outliers, ...] = ()
    """Samples dated before or after the file was written: at most one of each."""

    @property
    def dated(self) -> tuple[Span, ...]:
        """Times of all samples: if no time can be believed, those of the outliers."""
        return self.spans or tuple((each.from_at, each.until_at) for each in self.outliers)


@dataclass(frozen=True, slots=True)
class IndexedSource:
    """The samples of a feed from one life of its agent."""

    feed: str
    agent_session: str
    frames: tuple[IndexedFrame, ...]
    blocks: tuple[IndexedBlock, ...]
    units: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    """Unit of a field, and its name for people, where its agent declared them."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Bytes of a file that cannot be read."""

    offset: int
    length: int
    """Position in the file [bytes]."""
    reason: str
    at_end: bool
    """True if no whole frame follows, so that it can be cut off."""


@dataclass(frozen=True, slots=True)
class CutOff:
    """Bytes that a repair has cut off the end of a file: all of it if no frame was whole."""

    file: str
    kept: str
    """The file, and the one that has the bytes now."""
    opened_at: int
    """When the file was opened [s, Unix time]."""
    size_bytes: int


@dataclass(frozen=True, slots=True)
class FileSummary:
    """The content of one file."""

    name: str
    """Within the data folder, e.g. ``17953/1795328225.g3``."""
    size_bytes: int
    mtime_ns: int
    """An index compares them to see whether the file is still the same."""
    frames: int
    """Number of whole frames."""
    sources: tuple[IndexedSource, ...]
    holes: tuple[Hole, ...]
    """The holes that were recorded in this file."""
    damage: tuple[Damage, ...]

    @property
    def in_file(self) -> bool:
        """Whether it is that of a G3 file, not of the journal."""
        return self.name.endswith(".g3")

    @property
    def opened_at(self) -> int:
        """When the file was opened [s, Unix time], as its name says."""
        return int(self.name.rpartition("/")[2].partition(".")[0])

    @property
    def span(self) -> Span | None:
        """The first and the last time in the file; None if it has no data."""
        blocks = [block for source in self.sources for block in source.blocks]
        spans = [span for block in blocks for span in block.spans]
        if not spans:
            return None
        return min(begin for begin, _ in spans), max(end for _, end in spans)

    @classmethod
    def of_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the summary from its fields by name, made of JSON's types.

        Raises
        ------
        KeyError, TypeError
            If `value` is something else.
        """
        sources = tuple(map(_source, value["sources"]))
        holes = tuple(Hole(**hole) for hole in value["holes"])
        damage = tuple(Damage(**damage) for damage in value["damage"])
        return cls(**{**value, "sources": sources, "holes": holes, "damage": damage})


def _source(value: Mapping[str, Any]) -> IndexedSource:
    blocks = tuple(
        IndexedBlock(
            block["name"],
            block["fields"],
            block["samples"],
            block["interval_s"],
            tuple([(begin, end) for begin, end in block["spans"]]),
            tuple([Outliers(*each) for each in block["outliers"]]),
        )
        for block in value["blocks"]
    )
    frames = tuple(map(IndexedFrame._make, value["frames"]))
    # Indexes of earlier releases lack them, and so do the files that they are of.
    about_fields = {key: value.get(key, {}) for key in ("units", "labels")}
    return IndexedSource(value["feed"], value["agent_session"], frames, blocks, **about_fields)
