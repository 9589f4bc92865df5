"""Windows of fields over several data folders, which are read as one."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from ocsd.data import overview
from ocsd.data.archive.answer import FieldWindow, Window, field_window
from ocsd.data.archive.bounds import check_number, check_span
from ocsd.data.archive.holes import holes, silences
from ocsd.data.archive.samples import Part
from ocsd.data.folder import DataFolder
from ocsd.data.folders.union import UnionFolder
from ocsd.data.index import FileSummary
from ocsd.data.names import choose
from ocsd.data.overview import FeedOverview
from ocsd.data.table import Table, fields_of, load
from ocsd.data.trend.levels import column_s, tick_of
from ocsd.data.trend.texts import Change, changes


class Archives:
    """Several data folders read as one: `window` and `feeds` are those of `Archive`.

    Samples that two folders have are answered once. Every sample of the time is read, because the
    trends of two folders cannot tell whether they have the same: long times take long.

    Parameters
    ----------
    folders : sequence of Path
        The data folders.
    clock : callable
        Returns the present [s, Unix time].

    Raises
    ------
    NoDataError, NotPermittedError
        As `Archive`, of each folder.
    UsageError
        If a folder is given twice.
    """

    def __init__(self, folders: Sequence[Path], clock: Callable[[], float] = time.time) -> None:
        self._folder: DataFolder = UnionFolder(folders, clock)
        self._clock = clock

    def feeds(self, since: float | None = None, until: float | None = None) -> list[FeedOverview]:
        """Return the feeds with samples of a time [s, Unix time], with their fields and times.

        Raises
        ------
        NoDataError, NotPermittedError, OcsdError
            If a folder or a file cannot be read.
        """
        return overview.feeds(self._folder.summaries(since, until), since, until)

    def window(
        self, fields: Sequence[str], since: float, until: float, columns: int = 2000
    ) -> Window:
        """Return fields over a time, in columns, as `Archive.window`.

        Raises
        ------
        UsageError, NoDataError, NotPermittedError, OcsdError
            As `Archive.window`.
        """
        check_span(since, until, columns)
        everything = self._folder.summaries()
        names = choose(fields, fields_of(everything))
        check_number(names, columns)
        near = self._folder.summaries(since, until)
        tables = load(self._folder, near, [n for n in names if n in fields_of(near)], since, until)
        of_field = {name: table for table in tables for name in table.columns}
        found = {
            name: _field(name, of_field.get(name), everything, (since, until), columns)
            for name in names
        }
        feeds = {name.rpartition(".")[0] for name in names}
        now_at = self._clock()
        missing = holes(everything, self._folder.cut_off(), feeds, (since, until), now_at)
        return Window(since, until, column_s(since, until, columns), found, missing, now_at, 0)


def _field(
    name: str,
    table: Table | None,
    summaries: Sequence[FileSummary],
    span: tuple[float, float],
    columns: int,
) -> FieldWindow:
    feed, _, key = name.rpartition(".")
    parts: list[Part] = []
    texts: list[list[Change]] = []
    if table is not None:
        column = table.columns[name]
        values, ticks = column.values[column.there], table.ticks[column.there]
        parts = [Part((feed, ()), ticks, {key: values})]
        if values.dtype.kind == "O":
            texts = [changes(ticks, [str(value) for value in values.tolist()])]
    return field_window(
        key,
        parts,
        texts,
        silences(summaries, feed, key, span),
        (tick_of(span[0]), tick_of(span[1])),
        column_s(*span, columns),
        columns,
    )
