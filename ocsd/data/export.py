"""Writes tables into files for other programs: CSV, Parquet, NumPy."""

import csv
import importlib
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TextIO

import numpy as np
from numpy.typing import NDArray

from ocsd.aggregator.frames.schema import TICKS_PER_SECOND
from ocsd.data.decode import seconds
from ocsd.data.folder import Report, silent
from ocsd.data.join import outer
from ocsd.data.meaning import Meaning, with_units
from ocsd.data.table import Column, Table
from ocsd.errors import MissingLibraryError, OutputFileError, UsageError
from ocsd.system.files import replacing

TIME: Final = "time"
_ROWS_AT_ONCE: Final = 50_000
_ROWS_OF_A_GROUP: Final = 2**18


def check(path: Path) -> None:
    """Check that `write` can write this kind of file, and that its folder exists.

    Raises
    ------
    UsageError
        If the kind is unknown.
    MissingLibraryError
        If the library for it is not installed.
    OutputFileError
        If there is no such folder.
    """
    if path.suffix not in _WRITERS:
        raise UsageError(
            f"'{path}' is not the name of a file to export to; end it with one of "
            f"{', '.join(_WRITERS)}"
        )
    if path.suffix == ".parquet":
        library("pyarrow.parquet", "to write Parquet")
    check_folder(path)


def check_folder(path: Path) -> None:
    """Check that a file can be written at `path`, before its data are read.

    Raises
    ------
    OutputFileError
        If there is no folder for it, or this user may not write there.
    """
    if not path.parent.is_dir():
        reason = f"there is no folder {path.parent}; make it, or"
    elif not os.access(path.parent, os.W_OK):
        reason = f"this user may not write into the folder {path.parent.absolute()};"
    else:
        return
    raise OutputFileError(f"cannot write {path}: {reason} choose another place with -o")


def write(
    path: Path,
    tables: Sequence[Table],
    report: Report = silent,
    about: Mapping[str, Meaning] | None = None,
) -> None:
    """Write tables into one file, of the kind that the end of its name means.

    It is written whole or not at all. For CSV and Parquet the tables are joined by time.
    `report` gets the progress in rows. `about` has units and labels of fields: CSV shows the
    units behind the names in its header, Parquet has both in the metadata of its columns.

    Raises
    ------
    OutputFileError
        If the file cannot be written.
    """
    with whole(path) as beside:
        _WRITERS[path.suffix](beside, tables, report, about or {})


def library(name: str, purpose: str) -> Any:
    """Return a library that is not always installed.

    Raises
    ------
    MissingLibraryError
        If it is not installed; says how to install it.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingLibraryError(
            f"{name.partition('.')[0]} is needed {purpose}, and cannot be imported ({error}); "
            "install it with: pip install 'ocsd[data]'"
        ) from error


def time_text(ticks: int) -> str:
    """Return a time in ticks of 10 ns as Unix time in seconds, without loss."""
    whole, rest = divmod(ticks, TICKS_PER_SECOND)
    return f"{whole}.{rest:08d}"


def write_csv(
    file: TextIO,
    tables: Sequence[Table],
    report: Report = silent,
    about: Mapping[str, Meaning] | None = None,
) -> None:
    """Write tables, joined by time, as CSV into an open file; `about` as for `write`.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    table = outer(tables)
    writer = csv.writer(file, lineterminator="\n")
    meanings = about or {}
    titles = [with_units(name, meanings.get(name, Meaning())) for name in table.columns]
    writer.writerow([TIME, *titles])
    for begin in range(0, table.samples, _ROWS_AT_ONCE):
        rows = slice(begin, begin + _ROWS_AT_ONCE)
        times = map(time_text, table.ticks[rows].tolist())
        columns = [_cells(column, rows) for column in table.columns.values()]
        writer.writerows(zip(times, *columns, strict=True))
        report(min(begin + _ROWS_AT_ONCE, table.samples), table.samples)


def _csv(path: Path, tables: Sequence[Table], report: Report, about: Mapping[str, Meaning]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        write_csv(file, tables, report, about)


def _cells(column: Column, rows: slice) -> list[Any]:
    values: list[Any] = column.values[rows].tolist()
    there = column.there[rows]
    if there.all():
        return values
    for index in np.flatnonzero(~there):
        values[index] = None  # csv writes it as an empty cell
    return values


def _npz(
    path: Path, tables: Sequence[Table], report: Report, _about: Mapping[str, Meaning]
) -> None:
    arrays = list(_arrays(tables))
    # As numpy.savez, which would not report its progress.
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number, (name, array) in enumerate(arrays):
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
            report(number + 1, len(arrays))


def _arrays(tables: Sequence[Table]) -> Iterator[tuple[str, NDArray[Any]]]:
    for table in tables:
        times = seconds(table.ticks)
        if len(tables) == 1:
            yield TIME, times
        for name, column in table.columns.items():
            # Not joined, so values are missing only before the block got this field.
            values = column.values[column.there]
            if values.dtype.kind == "O":
                values = values.astype(str)
            yield name, values
            if len(tables) > 1 or len(values) < len(times):
                yield f"{name}:{TIME}", times[column.there]


def _parquet(
    path: Path, tables: Sequence[Table], report: Report, about: Mapping[str, Meaning]
) -> None:
    arrow: Any = library("pyarrow", "to write Parquet")
    parquet: Any = library("pyarrow.parquet", "to write Parquet")
    table = outer(tables)
    schema = _arrow_table(arrow, table, slice(0, 0)).schema
    for name, meaning in about.items():
        index = schema.get_field_index(name)
        if index >= 0 and meaning.known:
            schema = schema.set(index, schema.field(index).with_metadata(meaning.known))
    with parquet.ParquetWriter(path, schema) as writer:
        for begin in range(0, table.samples, _ROWS_OF_A_GROUP):
            rows = slice(begin, begin + _ROWS_OF_A_GROUP)
            writer.write_table(_arrow_table(arrow, table, rows).cast(schema))
            report(min(rows.stop, table.samples), table.samples)


def _arrow_table(arrow: Any, table: Table, rows: slice) -> Any:
    time_type = arrow.timestamp("ns", tz="UTC")
    nanoseconds = table.ticks[rows] * (10**9 // TICKS_PER_SECOND)
    columns = {TIME: arrow.array(nanoseconds).cast(time_type)}
    for name, column in table.columns.items():
        values, kind = column.values[rows], None
        if values.dtype.kind == "O":
            # Texts, and perhaps numbers of a field whose type has changed.
            values, kind = np.array([*map(str, values)], dtype=object), arrow.string()
        columns[name] = arrow.array(values, type=kind, mask=~column.there[rows])
    return arrow.table(columns)


_Writer = Callable[[Path, Sequence[Table], Report, Mapping[str, Meaning]], None]
_WRITERS: Final[dict[str, _Writer]] = {
    ".csv": _csv,
    ".npz": _npz,
    ".parquet": _parquet,
}


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a file beside `path`, which replaces it if no error occurs.

    Raises
    ------
    OutputFileError
        If it cannot be written; `path` is as it was.
    """
    try:
        with replacing(path, shared=True) as beside:
            yield beside
    except OSError as error:
        raise OutputFileError(
            f"cannot write {path}: {error.strerror or error}; choose another place with -o"
        ) from error
