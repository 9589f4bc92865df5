"""Fills a database with what G3 files have of a time.

What is sent again is the same point, or the same row, so a push can be repeated. One that was
interrupted goes on behind the last frame that the database has acknowledged.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import compress
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple

import numpy as np

from ocsd.data.folder import DataFolder
from ocsd.export.databases.cursor import FilePlace, FileSpan
from ocsd.export.databases.destination import Batch, DatabaseAwayError, Delivered, Destination
from ocsd.export.databases.flights import Flights
from ocsd.export.databases.points import BlockSamples
from ocsd.export.databases.trails import frames
from ocsd.system import files

AWAY_LIMIT_S: Final = 60.0
"""Time for which a database that does not answer is tried again [s]."""
PUSH_RETRY_S: Final = 1.0


class PushSelection(NamedTuple):
    """The part of recorded data to send."""

    since_at: float
    until_at: float
    """Unix times [s]; infinite for all."""
    fields: Collection[str] | None = None
    """Whole names, such as ``observatory.thermo1.feeds.temps.a``; None for all."""


@dataclass(slots=True)
class Pushed:
    """The result, so far."""

    files: int = 0
    values: int = 0
    lines: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    refused_because: dict[str, str] = field(default_factory=dict)
    """The latest reason, by measurement or table."""
    damaged: list[str] = field(default_factory=list)
    """Files with parts that cannot be read."""
    went_on: bool = False
    """Whether it is the rest of a push that was interrupted."""


class PushRecord:
    """The file that says how far a push has come.

    Parameters
    ----------
    path : Path
        The file; it is removed when all is done.
    wanted : PushSelection
        What is sent now. The places of an earlier push count only if it was to send all of that.
    """

    def __init__(self, path: Path, wanted: PushSelection) -> None:
        self._path = path
        self._span = [wanted.since_at, wanted.until_at]
        self._places: dict[str, FilePlace] = {}
        with suppress(OSError, ValueError, TypeError, KeyError):
            found = json.loads(path.read_bytes())
            since_at, until_at = found["span"]
            if since_at <= wanted.since_at and until_at >= wanted.until_at:
                self._span = [since_at, until_at]
                self._places = {key: FilePlace(*each) for key, each in found["places"].items()}

    def place(self, folder: Path) -> FilePlace | None:
        """Return the place in a data folder behind which to go on."""
        return self._places.get(str(folder))

    def reached(self, folder: Path, place: FilePlace) -> None:
        """Keep that the database has all before a place."""
        self._places[str(folder)] = place
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"span": self._span, "places": self._places})
        files.replace(self._path, text.encode(), durable=False)

    def done(self) -> None:
        """Forget it: the next push is a new one."""
        self._path.unlink(missing_ok=True)


class Push(Generic[Batch]):
    """Sends the samples of data folders to a database.

    Parameters
    ----------
    destination : Destination
        The database.
    wanted : PushSelection
        What to send.
    record : PushRecord
        How far it has come.
    sleep, monotonic : callable
        As in `time`.
    executor : Executor, optional
        Its threads send; default: threads of its own.
    gathered_values : int
        About how many values of several frames are sent together.
    """

    def __init__(
        self,
        destination: Destination[Batch],
        wanted: PushSelection,
        record: PushRecord,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        executor: Executor | None = None,
        gathered_values: int = 500_000,
    ) -> None:
        self.pushed = Pushed()
        self._gathered_values = gathered_values
        self._destination, self._wanted, self._record = destination, wanted, record
        self._sleep, self._monotonic = sleep, monotonic
        self._flights = Flights(
            executor or ThreadPoolExecutor(destination.in_flight), destination.in_flight, self._took
        )
        self._answered_s = monotonic()

    def run(self, folders: Sequence[Path], report: Callable[[int, int], None]) -> Pushed:
        """Send all; `report` is called with the bytes of files that are done, and of all.

        Raises
        ------
        DatabaseAwayError
            If the database has not answered for `AWAY_LIMIT_S`.
        OSError
            If a file cannot be read.
        """
        spans = [(folder, self._files(folder)) for folder in folders]
        total = sum(sum(sizes.values()) for _, sizes in spans)
        before = 0
        try:
            for folder, sizes in spans:
                done = partial(self._report, report, before, total, sizes)
                while not self._sent(folder, sizes, done):
                    self._sleep(PUSH_RETRY_S)
                before += sum(sizes.values())
                self.pushed.files += len(sizes)
        finally:
            self._flights.close()
            self._destination.close()
        self._record.done()
        return self.pushed

    def _files(self, folder: Path) -> dict[str, int]:
        """Return the sizes of the files that can have data of the time [bytes], by name."""
        found = DataFolder(folder)
        since_at, until_at = self._wanted.since_at, self._wanted.until_at
        return {found.name(each): each.stat().st_size for each in found.files(since_at, until_at)}

    def _sent(self, folder: Path, sizes: dict[str, int], done: Callable[[FilePlace], None]) -> bool:
        """Send the rest of a folder; False if the database does not answer at present."""
        try:
            self._destination.prepare()
            self._send(folder, sizes, done)
            self._flights.land()
        except DatabaseAwayError:
            self._flights.abandon()
            self._destination.close()
            if self._monotonic() - self._answered_s > AWAY_LIMIT_S:
                raise
            return False
        return True

    def _send(self, folder: Path, sizes: dict[str, int], done: Callable[[FilePlace], None]) -> None:
        names = list(sizes)
        if not names:
            return
        begin = FilePlace(names[0], 0)
        kept = self._record.place(folder)
        if kept is not None and kept.key > begin.key:
            begin = kept
            self.pushed.went_on = True
        end = FilePlace(names[-1], sizes[names[-1]])
        gathered: list[BlockSamples] = []
        values = 0
        place = begin
        for samples, place in frames(folder, FileSpan(begin, end), self._passed_over):
            wanted = list(self._chosen(samples))
            gathered += wanted
            values += sum(map(_size, wanted))
            if values >= self._gathered_values:
                self._send_all(gathered, values, folder, place, done)
                gathered, values = [], 0
        self._send_all(gathered, values, folder, place, done)

    def _send_all(
        self,
        gathered: Sequence[BlockSamples],
        values: int,
        folder: Path,
        place: FilePlace,
        done: Callable[[FilePlace], None],
    ) -> None:
        for batch in self._destination.batches(gathered):
            self._flights.send(partial(self._destination.deliver, batch))
        self._flights.then(partial(self._acknowledged, values, folder, place, done))

    def _acknowledged(
        self, values: int, folder: Path, place: FilePlace, done: Callable[[FilePlace], None]
    ) -> None:
        self._destination.flush()
        self._answered_s = self._monotonic()
        self.pushed.values += values
        self._record.reached(folder, place)
        done(place)

    def _took(self, delivered: Delivered) -> None:
        self.pushed.lines += delivered.lines
        for measurement, _, reason in delivered.refused:
            self.pushed.refused[measurement] += 1
            self.pushed.refused_because[measurement] = reason

    def _passed_over(self, place: FilePlace) -> None:
        if place.name not in self.pushed.damaged:
            self.pushed.damaged.append(place.name)

    def _chosen(self, samples: Sequence[BlockSamples]) -> Iterator[BlockSamples]:
        for each in samples:
            part = chosen(each, self._wanted)
            if part is not None:
                yield part

    def _report(
        self,
        report: Callable[[int, int], None],
        before: int,
        total: int,
        sizes: dict[str, int],
        place: FilePlace,
    ) -> None:
        passed = sum(size for name, size in sizes.items() if FilePlace(name, 0).key < place.key)
        report(before + passed - sizes.get(place.name, 0) + place.offset, total)


def chosen(samples: BlockSamples, wanted: PushSelection) -> BlockSamples | None:
    """Return the part of samples that is wanted; None if there is none."""
    block, columns = samples
    kinds = block.kinds
    if wanted.fields is not None:
        kinds = {name: it for name, it in kinds.items() if f"{block.feed}.{name}" in wanted.fields}
    times = np.asarray(columns[""])
    inside = (times >= wanted.since_at) & (times < wanted.until_at)
    if not kinds or not inside.any():
        return None
    if not inside.all():
        columns = {name: _inside(values, inside) for name, values in columns.items()}
    return BlockSamples(block._replace(kinds=kinds), columns)


def _inside(values: Any, inside: Any) -> Any:
    if isinstance(values, list):
        return list(compress(values, inside))
    return values[inside]


def _size(samples: BlockSamples) -> int:
    return len(samples.columns[""]) * len(samples.block.kinds)
