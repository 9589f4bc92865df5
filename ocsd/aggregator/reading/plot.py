"""Fields over time, as a picture."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocsd.aggregator.reading.decode import seconds
from ocsd.aggregator.reading.export import library
from ocsd.aggregator.reading.spans import longest_pause_s
from ocsd.aggregator.reading.table import Column, Table
from ocsd.errors import NoDataError, OutputFileError, UsageError


def check(output: Path | None) -> None:
    """See whether `draw` could show anything.

    Raises
    ------
    UsageError
        If there is neither a file to write nor a display.
    MissingLibraryError
        If matplotlib is not installed.
    """
    shown = sys.platform == "darwin" or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
    if output is None and not shown:
        raise UsageError("there is no display to plot on; write a file with -o, e.g. -o plot.png")
    library("matplotlib", "to plot")


def draw(tables: Sequence[Table], output: Path | None) -> None:
    """Draw all fields into one picture; a silence breaks the line.

    Parameters
    ----------
    tables : sequence of Table
    output : Path or None
        The file to write; None shows a window until it is closed.

    Raises
    ------
    UsageError
        If a field holds texts, or matplotlib does not write files of that name.
    OutputFileError
        If the file cannot be written.
    NoDataError
        If there is not one sample.
    """
    if not any(table.samples for table in tables):
        raise NoDataError("there are no samples in that time; `ocsd data info FIELD` says when")
    matplotlib: Any = library("matplotlib", "to plot")
    if output is not None:
        matplotlib.use("Agg")
    pyplot: Any = library("matplotlib.pyplot", "to plot")
    figure, axes = pyplot.subplots(figsize=(10, 5), layout="constrained")
    for table in tables:
        for name, column in table.columns.items():
            axes.plot(*line(name, table, column), label=name, linewidth=0.8)
    dates: Any = library("matplotlib.dates", "to plot")
    locator = dates.AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator))
    axes.set_xlabel("time (UTC)")
    axes.grid(visible=True, alpha=0.3)
    axes.legend(fontsize="small")
    if output is None:
        pyplot.show()
        return
    try:
        figure.savefig(output, dpi=120)
    except OSError as error:
        raise OutputFileError(
            f"cannot write {output}: {error.strerror or error}; choose another place with -o"
        ) from error
    except ValueError as error:
        raise UsageError(f"cannot write {output}: {error}") from error
    finally:
        pyplot.close(figure)


def line(
    name: str, table: Table, column: Column
) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    """Return times and values of a line, with a NaN in every silence.

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
    return (ticks * 10).astype("datetime64[ns]"), values
