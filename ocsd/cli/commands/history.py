"""`ocsd history`: what happened on this host, and how available each instance was."""

import json
import os
import sys
import time
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import click

from ocsd.cli.arguments import completion, options
from ocsd.cli.logs import records
from ocsd.cli.screen import terminal, units
from ocsd.cli.screen.table import Cell, ScreenColumn, table_lines
from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.talk import present, replies
from ocsd.errors import NoSuchInstanceError, OcsdError
from ocsd.history.summary import HistoryEntry, Summary, summaries

_EVENTS = (
    ScreenColumn("TIME"),
    ScreenColumn("INSTANCE"),
    ScreenColumn("CHANGE"),
    ScreenColumn("REASON"),
)
_SUMMARIES = (
    ScreenColumn("INSTANCE"),
    ScreenColumn("AVAILABLE", right=True),
    ScreenColumn("RESTARTS", right=True),
    ScreenColumn("UNASKED ENDS", right=True),
    ScreenColumn("LAST UNASKED END"),
)


@click.command(
    epilog=options.examples(
        "ocsd history",
        "ocsd history thermo1 --since 30d",
        "ocsd history -n 0 --since 2026-11-01      # only the table of availability",
        "ocsd history --json | jq '.summaries'",
    )
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
    help="The last N changes only.",
)
@options.host_option
@options.json_option
def history(
    names: tuple[str, ...], since_at: float, lines: int, host: str | None, as_json: bool
) -> None:
    """Show what happened to the instances of this host, and how available they were.

    It is read from the journal, with or without a running daemon. RESTARTS counts all of them,
    asked for or not; `ocsd status` only those that nobody asked for since the daemon started.
    """
    everything = list(records.entries(host))
    known = {entry.name for entry in everything}
    for name in names:
        if name not in known:
            raise NoSuchInstanceError(f"the journal has nothing of '{name}'")
    chosen = [entry for entry in everything if not names or entry.name in names]
    found = summaries(chosen, since_at, time.time())
    left = _left(found, host)
    recent = [entry for entry in chosen if entry.at >= since_at]
    if as_json:
        print(json.dumps(_as_json(recent, found, left), indent=2))
        return
    screen = terminal.of(sys.stdout, os.environ)
    shown = recent[-lines:] if lines else []
    if shown:
        print("\n".join(table_lines(_EVENTS, [row(entry) for entry in shown], screen)))
        print()
    print("\n".join(_table(found, left, screen)))


def row(entry: HistoryEntry) -> list[Cell]:
    """Return the cells of one change: time, name, states, and why."""
    change = entry.event
    if entry.after:
        moved = entry.before != entry.after
        change = f"{entry.before} -> {entry.after}" if moved else entry.after
    who = f"asked for by {entry.by}" if entry.by else ""
    why = "; ".join(part for part in (terminal.one_line(entry.reason), who) if part)
    return [
        Cell(units.date(entry.at)),
        Cell(entry.name),
        Cell(change, entry.after),
        Cell(why),
    ]


def _left(names: Iterable[str], host: str | None) -> set[str]:
    """Return which of the names have left the site file; without a daemon nobody can tell."""
    try:
        listed = replies.rows(present.status(host))
    except OcsdError:
        return set()
    return set(names) - set(listed)


def _table(found: Mapping[str, Summary], left: Container[str], screen: Terminal) -> list[str]:
    rows = [_summary_row(name, summary, name in left) for name, summary in found.items()]
    return table_lines(_SUMMARIES, rows, screen)


def _summary_row(name: str, summary: Summary, has_left: bool) -> list[Cell]:
    availability, end = summary.availability, summary.last_end
    return [
        Cell(f"{name} (left the site file)" if has_left else name),
        Cell("-" if availability is None else f"{100 * availability:.3f} %"),
        Cell(str(summary.restarts)),
        Cell(str(summary.ends)),
        Cell("-" if end is None else f"{units.date(end.at)} {terminal.one_line(end.reason)}"),
    ]


def _as_json(
    entries: Sequence[HistoryEntry], found: Mapping[str, Summary], left: Container[str]
) -> dict[str, Any]:
    return {
        "entries": [asdict(entry) for entry in entries],
        "summaries": {
            name: {
                **asdict(summary),
                "availability": summary.availability,
                "left": name in left,
            }
            for name, summary in found.items()
        },
    }
