"""Draws fields over time."""

import os
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ocsd.data.archive.answer import FieldWindow, Window
from ocsd.data.export import check_folder, library, whole
from ocsd.data.meaning import Meaning, axis_label, with_units
from ocsd.errors import NoDataError, UsageError
from ocsd.text.printable import printable
from ocsd.text.reason import shortened

_KINDS: Final = (".png", ".pdf", ".svg")
_SHADES: Final = ("tab:red", "tab:orange", "tab:purple", "tab:gray")
_LEGEND_CHARACTERS: Final = 60


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
    window: Window,
    output: Path | None,
    title: str = "",
    about: Mapping[str, Meaning] | None = None,
) -> None:
    """Draw all fields of a window into one picture: the mean in a band from least to greatest.

    A silence breaks the line; the time of each hole is shaded, with its cause. If there is no
    file to write (`output`), show a window until it is closed. `about` has the units of fields.

    Raises
    ------
    UsageError
        If a field holds texts.
    NoDataError
        If there is not one sample.
    OutputFileError
        If the file cannot be written.
    """
    _refuse(window)
    matplotlib: Any = library("matplotlib", "to plot")
    if output is not None:
        matplotlib.use("Agg")
    pyplot: Any = library("matplotlib.pyplot", "to plot")
    figure, axes = pyplot.subplots(figsize=(10, 5), layout="constrained")
    meanings = {name: (about or {}).get(name, Meaning()) for name in window.fields}
    axes.set_ylabel(_label(axis_label(meanings.values())))
    for name, found in window.fields.items():
        line = lines(found)
        label = _label(with_units(name, meanings[name]))
        (drawn,) = axes.plot(line.times, line.mean, label=label, linewidth=0.8)
        if not found.raw:
            band = {"color": drawn.get_color(), "alpha": 0.3, "linewidth": 0.5}
            axes.fill_between(line.times, line.least, line.greatest, **band)
    _shade(axes, window)
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


class DrawnLines(NamedTuple):
    """The lines of a field; NaN where they are broken."""

    times: NDArray[np.datetime64]
    least: NDArray[np.float64]
    mean: NDArray[np.float64]
    greatest: NDArray[np.float64]


def lines(found: FieldWindow) -> DrawnLines:
    """Return the lines of a field, with a NaN at every silence."""
    times = (found.t * 1e9).astype("datetime64[ns]")
    times = np.insert(times, found.breaks, times[found.breaks - 1] + np.timedelta64(1, "us"))
    least, mean, greatest = (
        np.insert(values.astype(np.float64), found.breaks, np.nan)
        for values in (found.min, found.mean, found.max)
    )
    return DrawnLines(times, least, mean, greatest)


def _refuse(window: Window) -> None:
    for name, found in window.fields.items():
        if found.changes is not None:
            raise UsageError(
                f"'{name}' holds texts, which cannot be plotted; see `ocsd data export`"
            )
    if not any(len(found.t) for found in window.fields.values()):
        raise NoDataError(
            f"there are no samples of {', '.join([*window.fields][:6])} in that time; `ocsd data "
            "info` says when there are"
        )


def _shade(axes: Any, window: Window) -> None:
    """Shade the holes, those of one cause in one colour; each is seen, however short."""
    spans: dict[str, list[tuple[Any, Any]]] = defaultdict(list)
    for gap in window.holes:
        begin, end = max(gap.from_at, window.since), min(gap.until_at, window.until)
        at, until = (np.datetime64(round(each * 1e6), "us") for each in (begin, end))
        spans[gap.cause].append((at, until - at))
    for number, (cause, found) in enumerate(sorted(spans.items(), key=_longest)):
        colour = _SHADES[min(number, len(_SHADES) - 1)]
        axes.broken_barh(
            found,
            (0, 1),
            transform=axes.get_xaxis_transform(),
            label=_label(shortened(cause, _LEGEND_CHARACTERS)),
            facecolor=colour,
            edgecolor=colour,
            alpha=0.25,
            linewidth=1,
            zorder=0,
        )


def _longest(spans: tuple[str, list[tuple[Any, Any]]]) -> Any:
    return -sum(length for _, length in spans[1])


def _label(name: str) -> str:
    """Return a name for matplotlib: no formula, and no characters that fonts lack."""
    return printable(name).replace("$", r"\$")
