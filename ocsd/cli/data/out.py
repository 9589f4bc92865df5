"""`ocsd data export` and `ocsd data plot`: recorded fields in files and pictures."""

import functools
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ocsd.cli.arguments import options
from ocsd.cli.data import offered, text
from ocsd.cli.data.selection import Selection, selecting
from ocsd.cli.screen.progress import Bar, WaitIndicator
from ocsd.data import names
from ocsd.data.index import FileSummary
from ocsd.data.meaning import Meaning, meanings
from ocsd.data.overview import FeedOverview
from ocsd.data.spans import Span
from ocsd.errors import UsageError
from ocsd.text.plural import plural
from ocsd.text.printable import one_line
from ocsd.text.times import utc

_fields = click.argument(
    "wanted", metavar="FIELD...", nargs=-1, required=True, shell_complete=offered.fields
)
_output = functools.partial(
    click.option,
    "-o",
    "output",
    metavar="FILE",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
)

_STANDARD_OUTPUT = Path("-")
_FIELDS_IN_LINE = 3
# The last sample lies within the time of a picture by that much [s].
_LAST_WITHIN_S = 0.001


@options.command(
    "ocsd data export channel_05 -o out.csv",
    "ocsd data export 'observatory.fake-data1.*' --since 2026-11-22T20:00 -o night.parquet",
    "ocsd data export 'fake-data2.*' --since 12h --until 2h -o out.npz",
    "ocsd data export channel_05 --since 1h -o - | tail -3",
)
@_fields
@_output(
    required=True,
    help="File to write; its name ends with .csv, .parquet or .npz; - is CSV to stdout.",
)
@click.option(
    "--units", "with_units", is_flag=True, help="Show units in the header of CSV: FIELD [K]."
)
@selecting
def export(
    selection: Selection,
    wanted: tuple[str, ...],
    output: Path,
    with_units: bool,
    as_json: bool,
) -> None:
    """Write the samples of FIELDs to a file for other programs.

    FIELD is a whole name (observatory.fake-data1.feeds.false_temperatures.channel_00),
    a shell pattern of such names, a unique ending (channel_05), or an instance or a feed, for all
    fields of it (fake-data1).

    CSV and Parquet have a column `time` (CSV: Unix time in seconds) and one for each
    field. Fields that were not sampled together are joined by time: a row for each
    time of any of them, with empty cells. In .npz such fields have an array FIELD:time
    each; fields that were sampled together share the array `time`.

    Units and labels that agents declare are in the metadata of Parquet's columns; in the
    header of CSV, which other programs read, only with --units.
    """
    exporting = importlib.import_module("ocsd.data.export")
    if output == _STANDARD_OUTPUT:
        if as_json:
            raise UsageError("--json and -o - would both write to the standard output")
        summaries = selection.summaries()
        about = _about(selection, summaries, shown=with_units)
        exporting.write_csv(sys.stdout, _load(selection, summaries, wanted), about=about)
        return
    exporting.check(output)
    summaries = selection.summaries()
    tables = _load(selection, summaries, wanted)
    about = _about(selection, summaries, shown=with_units or output.suffix != ".csv")
    with Bar(f"writing {output.name}") as bar:
        exporting.write(output, tables, bar, about)
    samples = [table.samples for table in tables]
    fields = [name for table in tables for name in table.columns]
    if as_json:
        print(json.dumps({"file": str(output), "fields": fields, "samples": samples}, indent=2))
        return
    count = plural(len(fields), "field")
    if len(tables) == 1:
        print(f"{output}: {count}, {samples[0]} samples")
        return
    print(f"{output}: {count} of {len(tables)} timelines, {sum(samples)} samples")
    where = "cells are empty where a field has no sample"
    if output.suffix == ".npz":
        where = "the times of FIELD are in the array FIELD:time"
    print(f"They were not sampled together: {where}.")


@options.command(
    "ocsd data plot channel_05 --since 2h -o plot.png",
    "ocsd data plot 'fake-data1.*.channel_0[01]' -o plot.pdf",
)
@_fields
@_output(help="Picture to write (.png, .pdf, .svg); needed where there is no display.")
@selecting
def plot(selection: Selection, wanted: tuple[str, ...], output: Path | None, as_json: bool) -> None:
    """Plot FIELDs over time; a silence breaks the line.

    FIELD is written as for `ocsd data export`.
    """
    plotting = importlib.import_module("ocsd.data.plot")
    plotting.check(output)
    archive = selection.archive()
    with WaitIndicator("reading files not in the index yet"):
        feeds = archive.feeds(selection.since_at, selection.until_at)
    known = {name: feed for feed in feeds for name in feed.fields}
    fields = names.choose(wanted, known, selection.of_time)
    plotted = [feed for feed in feeds if feed in map(known.get, fields)]
    span = _span(selection, plotted)
    about = _meanings(plotted)
    with WaitIndicator("reading; `ocsd data trend` would do most of it in advance"):
        window = archive.window(fields, *span)
    plotting.draw(window, output, _title(selection), about)
    for outliers in text.outlier_lines(plotted):
        print(f"not in the picture: {outliers}", file=sys.stderr)
    if window.unread:
        files = plural(window.unread, "file")
        print(
            f"not in the picture: what {files} of other times have of this one, which were never "
            "read: samples that came hours late, and holes that reach beyond it; `ocsd data trend` "
            "reads them",
            file=sys.stderr,
        )
    if as_json:
        print(json.dumps({"file": output and str(output), "fields": fields}, indent=2))
    elif output is not None:
        print(f"{output}: {named(fields)}")


def named(fields: Sequence[str]) -> str:
    """Return the names of fields for one line, or if they are many, how many."""
    if len(fields) > _FIELDS_IN_LINE:
        return plural(len(fields), "field")
    return one_line(", ".join(fields))


def _about(
    selection: Selection, summaries: Sequence[FileSummary], *, shown: bool
) -> dict[str, Meaning]:
    """Return units and labels of all fields by name; nothing unless they are shown."""
    if not shown:
        return {}
    return _meanings(selection.feeds(summaries))


def _meanings(feeds: Sequence[FeedOverview]) -> dict[str, Meaning]:
    return {name: meaning for feed in feeds for name, meaning in meanings(feed).items()}


def _title(selection: Selection) -> str:
    """Return the title of a picture: the data folder, and the times that were asked for."""
    title = str(selection.folder.path)
    if selection.since_at is not None:
        title += f", from {utc(selection.since_at)}"
    if selection.until_at is not None:
        title += f", until {utc(selection.until_at)}"
    return title


def _span(selection: Selection, feeds: Sequence[FeedOverview]) -> Span:
    """Return the time of a picture: that of the samples of feeds which are not outliers.

    If there are no others, it is theirs.
    """
    spans = [feed.span for feed in feeds if feed.span is not None]
    if not spans:
        spans = [(each.from_at, each.until_at) for feed in feeds for each in feed.outliers]
    begin, end = selection.limits
    begin = max(begin, min(span[0] for span in spans))
    end = min(end, max(span[1] for span in spans) + _LAST_WITHIN_S)
    return begin, max(end, begin + _LAST_WITHIN_S)


def _load(
    selection: Selection, summaries: Sequence[FileSummary], wanted: Sequence[str]
) -> list[Any]:
    tabulating = importlib.import_module("ocsd.data.table")
    fields = names.choose(wanted, tabulating.fields_of(summaries), selection.of_time)
    span = (selection.since_at, selection.until_at)
    with Bar("reading") as bar:
        tables: list[Any] = tabulating.load(selection.folder, summaries, fields, *span, bar)
    return tables
