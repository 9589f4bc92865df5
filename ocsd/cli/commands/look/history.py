"""`ocsd history`: the events of this host, and the availability of each instance."""

import json
import time
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from ocsd.cli.arguments import completion, options
from ocsd.cli.logs import records
from ocsd.cli.screen import terminal
from ocsd.cli.screen.table import Cell, columns, table_lines
from ocsd.cli.talk import present, replies
from ocsd.errors import NoSuchInstanceError, OcsdError
from ocsd.history.summary import HistoryEntry, Summary, summaries
from ocsd.text.printable import one_line
from ocsd.text.reason import clause
from ocsd.text.times import utc

_NUMBERS = ("AVAILABLE", "RESTARTS", "UNASKED ENDS")
_EVENTS = columns("TIME", "INSTANCE", "CHANGE", "REASON")
_SUMMARIES = columns("INSTANCE", *_NUMBERS, "LAST UNASKED END", right=_NUMBERS)


@options.command(
    "ocsd history",
    "ocsd history thermo1 --since 30d",
    "ocsd history -n 0 --since 2026-11-01      # only the table of availability",
    "ocsd history --json | jq '.summaries'",
)
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=completion.names)
@records.since_option
@click.option(
    "-n",
    "--lines",
    metavar="N",
    type=click.IntRange(min=0),
    default=50,
    show_default=True,
    help="Show only the last N changes.",
)
@options.host_option
@options.json_option
def history(
    names: tuple[str, ...], since_at: float, lines: int, host: str | None, as_json: bool
) -> None:
    """Show the events of this host's instances, and how available the instances were.

    Works with and without a running daemon. RESTARTS counts every restart; in `ocsd status` it
    counts only automatic ones since the daemon started.
    """
    entries = _chosen(list(records.entries(host)), names)
    by_id = summaries(entries, since_at, time.time())
    left = _left(by_id, host)
    recent = [entry for entry in entries if entry.at >= since_at]
    if as_json:
        print(json.dumps(_as_json(recent, by_id, left), indent=2))
        return
    screen = terminal.of_output()
    shown = [row(entry) for entry in recent[max(0, len(recent) - lines) :]]
    if shown:
        print("\n".join(table_lines(_EVENTS, shown, screen)), end="\n\n")
    rows = [_summary_row(name, summary, name in left) for name, summary in by_id.items()]
    print("\n".join(table_lines(_SUMMARIES, rows, screen)))


def _chosen(entries: Sequence[HistoryEntry], names: Sequence[str]) -> Sequence[HistoryEntry]:
    if not names:
        return entries
    for name in names:
        if not any(entry.name == name for entry in entries):
            raise NoSuchInstanceError(f"the history has nothing of '{name}'")
    return [entry for entry in entries if entry.name in names]


def row(entry: HistoryEntry) -> list[Cell]:
    """Return the cells of one change: time, name, states, and why."""
    change = entry.after or entry.event
    if entry.after and entry.before != entry.after:
        change = f"{entry.before} -> {entry.after}"
    reasons = (one_line(entry.reason), clause("asked for by ", entry.by))
    return [
        Cell(utc(entry.at)),
        Cell(entry.name),
        Cell(change, entry.after),
        Cell("; ".join(filter(None, reasons))),
    ]


def _left(names: Iterable[str], host: str | None) -> set[str]:
    """Return the names that have left the site file; none if no daemon says what is in it."""
    try:
        listed = replies.rows(present.status(host))
    except OcsdError:
        return set()
    return set(names) - set(listed)


def _summary_row(name: str, summary: Summary, has_left: bool) -> list[Cell]:
    available = last_end = "-"
    if has_left:
        name += " (left the site file)"
    if summary.availability is not None:
        available = f"{100 * summary.availability:.3f} %"
    if summary.last_end is not None:
        reason = one_line(summary.last_end.reason)
        last_end = f"{utc(summary.last_end.at)} {reason}"
    texts = (name, available, str(summary.restarts), str(summary.ends), last_end)
    return [Cell(text) for text in texts]


def _as_json(
    entries: Sequence[HistoryEntry], by_id: Mapping[str, Summary], left: Container[str]
) -> dict[str, Any]:
    return {
        "entries": [asdict(entry) for entry in entries],
        "summaries": {
            name: {**asdict(summary), "availability": summary.availability, "left": name in left}
            for name, summary in by_id.items()
        },
    }
