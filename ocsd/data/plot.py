"""Draws fields over time."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ocsd.data.decode import seconds
from ocsd.data.export import check_folder, library, whole
from ocsd.data.spans import EVER, Span, longest_pause_s
from ocsd.data.table import Column, Table
from ocsd.data.units import Meaning, axis_label, with_units
from ocsd.errors import UsageError
from ocsd.text.printable import printable

_KINDS: Final = (".png", ".pdf", ".svg")
# More than the columns of pixels of a picture.
_STRETCHES: Final = 2000


def check(output: Path | None) -> None:
    """Check that `draw` can show a picture.

    Raises
    ------
    UsageError
        If there is neither a file to write nor a display, or no such kind of picture.
    MissingLibraryError
        If matplotlib is not installed.
    OutputFileError
        If there is no folder for the file.
    """
    shown = sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
    if output is None and not shown:
        raise UsageError("there is no display to plot on; write a file with -o, e.g. -o plot.png")
    library("matplotlib", "to plot")
    if output is not None:
        if output.suffix not in _KINDS:
            kinds = ", ".join(_KINDS)
            raise UsageError(f"'{output}' is not the name of a picture; end it with one of {kinds}")
        check_folder(output)


def draw(
    tables: Sequence[Table],
    output: Path | None,
    title: str = "",
    believable: Span = EVER,
    about: Mapping[str, Meaning] | None = None,
) -> None:
    """Draw all fields into one picture; a silence breaks the line.

    If there is no file to write (`output`), show a window until it is closed. Samples outside
    of the `believable` times [s, Unix time] are left out. `about` has the units of fields.

    Raises
    ------
    UsageError
        If a field holds texts.
    OutputFileError
        If the file cannot be written.
    """
    matplotlib: Any = library("matplotlib", "to plot")
    if output is not None:
        matplotlib.use("Agg")
    pyplot: Any = library("matplotlib.pyplot", "to plot")
    figure, axes = pyplot.subplots(figsize=(10, 5), layout="constrained")
    known = about or {}
    meanings = {name: known.get(name, Meaning()) for table in tables for name in table.columns}
    for table in (_within(each, believable) for each in tables):
        for name, column in table.columns.items():
            label = _label(with_units(name, meanings[name]))
            axes.plot(*line(name, table, column), label=label, linewidth=0.8)
    axes.set_ylabel(_label(axis_label(meanings.values())))
    dates: Any = library("matplotlib.dates", "to plot")
    locator = dates.AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    axes.set_xlabel("time (UTC)")
    axes.grid(visible=True, alpha=0.3)
    axes.set_title(_label(title), fontsize="medium", loc="left")
    # Beside the data, which it would hide.
    figure.legend(fontsize="small", loc="outside right upper")
    if output is None:
        pyplot.show()
        return
    try:
        with whole(output) as beside:
            figure.savefig(beside, dpi=120, format=output.suffix[1:])
    finally:
        pyplot.close(figure)


def _within(table: Table, span: Span) -> Table:
    times = seconds(table.ticks)
    kept = (times >= span[0]) & (times <= span[1])
    columns = {
        name: Column(column.values[kept], column.there[kept])
        for name, column in table.columns.items()
    }
    return Table(table.feed, table.ticks[kept], columns)


def line(
    name: str, table: Table, column: Column
) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    """Return times and values of a line, with a NaN in every silence.

    Of very many samples, those that a picture would not show are left out.

    Raises
    ------
    UsageError
        If the field holds texts.
    """
    if column.values.dtype.kind == "O":
        raise UsageError(f"'{name}' holds texts, which cannot be plotted; see `ocsd data export`")
    ticks = table.ticks[column.there]
    values = column.values[column.there].astype(np.float64)
    steps = np.diff(seconds(ticks))
    if len(steps) >= 2:
        silences = np.flatnonzero(steps > longest_pause_s(float(np.median(steps)))) + 1
        ticks = np.insert(ticks, silences, ticks[silences - 1] + 1)
        values = np.insert(values, silences, np.nan)
    shown = _shown(values)
    return (ticks[shown] * 10).astype("datetime64[ns]"), values[shown]


def _shown(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the indices to draw: the lowest and highest of each stretch, and every NaN."""
    length = -(-len(values) // _STRETCHES)
    if length <= 4:
        return np.arange(len(values))
    missing = np.isnan(values)
    picks = [np.flatnonzero(missing)]
    for odd, pick in ((np.inf, np.argmin), (-np.inf, np.argmax)):
        stretches = np.full(length * _STRETCHES, odd)
        stretches[: len(values)] = np.where(missing, odd, values)
        picks.append(np.arange(_STRETCHES) * length + pick(stretches.reshape(-1, length), axis=1))
    shown = np.unique(np.concatenate(picks))
    return shown[shown < len(values)]


def _label(name: str) -> str:
    """Return a name for matplotlib: no formula, and no characters that fonts lack."""
    return printable(name).replace("$", r"\$")
