"""Several data folders that are read as one, e.g. those of the hosts of a site.

Each file keeps its place; its name in reports is its path. Holes and silences are judged over all
folders: a hole of one is none if another has samples of the feed throughout that time.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ocsd.aggregator.numbers.hole import Hole
from ocsd.data.folder import DataFolder, Report, silent
from ocsd.data.index import CutOff, FileSummary
from ocsd.data.spans import Span, longest_pause_s, union
from ocsd.errors import UsageError


@dataclass(frozen=True, slots=True)
class UnionOfJournals:
    """Samples in the journals of several folders that are in no file."""

    columns: Sequence[Any]


class UnionFolder(DataFolder):
    """Several data folders with the methods of one.

    Raises
    ------
    UsageError
        If a folder is given twice.
    NoDataError, NotPermittedError
        As `DataFolder`, of each.
    """

    def __init__(self, paths: Sequence[Path], clock: Callable[[], float] = time.time) -> None:
        self.parts = [DataFolder(path.absolute(), clock) for path in paths]
        real = [part.path.resolve() for part in self.parts]
        for number, path in enumerate(real):
            if path in real[:number]:
                raise UsageError(f"the data folder {paths[number]} is given twice; leave one out")
        self.path = Path(", ".join(map(str, paths)))
        self.unframed: Any = None

    def files(self, since_at: float | None = None, until_at: float | None = None) -> list[Path]:
        """Return the G3 files of all folders, as `DataFolder.files`."""
        found = [path for part in self.parts for path in part.files(since_at, until_at)]
        return sorted(found, key=lambda path: int(path.stem))

    def cut_off(self, since_at: float | None = None, until_at: float | None = None) -> list[CutOff]:
        """Return the bytes cut off from files, as `DataFolder.cut_off`."""
        return [
            replace(each, file=str(part.path / each.file), kept=str(part.path / each.kept))
            for part in self.parts
            for each in part.cut_off(since_at, until_at)
        ]

    def name(self, path: Path) -> str:
        """Return the name of a file in reports: its path."""
        return str(path)

    def written_now(self) -> set[Path]:
        """Return the files that aggregators may still be writing."""
        return {path for part in self.parts for path in part.written_now()}

    def summaries(
        self,
        since_at: float | None = None,
        until_at: float | None = None,
        report: Report = silent,
    ) -> list[FileSummary]:
        """Return summaries of the files of all folders, as `DataFolder.summaries`."""
        found = [part.summaries(since_at, until_at, report) for part in self.parts]
        self.unframed = _unframed(self.parts)
        heard = [_heard(summaries) for summaries in found]
        named: list[FileSummary] = []
        for part, summaries, own in zip(self.parts, found, heard, strict=True):
            others = [there for there in heard if there is not own]
            named += [_named(part, summary, others) for summary in summaries]
        return sorted(named, key=lambda each: (not each.in_file, _age(each)))


def split(
    folder: DataFolder, summaries: Sequence[FileSummary]
) -> Iterator[tuple[DataFolder, Sequence[FileSummary]]]:
    """Yield a folder, or each of several that are read as one, with its own of these summaries."""
    if not isinstance(folder, UnionFolder):
        yield folder, summaries
        return
    for part in folder.parts:
        yield part, [each for each in summaries if part.path in Path(each.name).parents]


_Heard = dict[str, list[Span]]


def _unframed(parts: Sequence[DataFolder]) -> UnionOfJournals | None:
    """Return the samples in the journals of the folders; None if none has a journal."""
    found = [part.unframed for part in parts if part.unframed is not None]
    if not found:
        return None
    return UnionOfJournals([each for one in found for each in one.columns])


def _named(part: DataFolder, summary: FileSummary, others: Sequence[_Heard]) -> FileSummary:
    """Return a summary with the path of its file, without holes that other folders fill."""
    holes = [hole for hole in summary.holes if not any(_has(there, hole) for there in others)]
    return replace(summary, name=str(part.path / summary.name), holes=tuple(holes))


def _heard(summaries: Iterable[FileSummary]) -> _Heard:
    """Return the times with samples of each feed in a folder."""
    spans: _Heard = {}
    pauses_s: dict[str, float] = {}
    for summary in summaries:
        for source in summary.sources:
            for block in source.blocks:
                spans.setdefault(source.feed, []).extend(block.spans)
                if block.interval_s is not None:
                    pause_s = longest_pause_s(block.interval_s)
                    pauses_s[source.feed] = max(pauses_s.get(source.feed, 0.0), pause_s)
    return {feed: union(found, pauses_s.get(feed, 0.0)) for feed, found in spans.items()}


def _has(there: _Heard, hole: Hole) -> bool:
    """Return whether a folder has samples of a feed throughout a hole of another folder."""
    spans = there.get(hole.feed, [])
    return any(begin <= hole.from_time and hole.until_time <= end for begin, end in spans)


def _age(summary: FileSummary) -> int:
    return summary.opened_at if summary.in_file else 0
