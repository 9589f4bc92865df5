"""`ocsd history`: the events of this host, and the availability of each instance."""

import json
import math
import re
import time
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

import click

from ocsd.cli.arguments import completion, options, targets
from ocsd.cli.logs import records
from ocsd.cli.screen import moment, terminal
from ocsd.cli.screen.table import Cell, columns, table_lines
from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.screen.wrap import broken
from ocsd.cli.talk import present
from ocsd.errors import NoSuchInstanceError, OcsdError, UsageError
from ocsd.history.summary import START_ALLOWANCE_S, HistoryEntry, Summary, summaries
from ocsd.status import replies
from ocsd.text.plural import plural
from ocsd.text.printable import one_line
from ocsd.text.reason import Said, clause
from ocsd.text.times import no_time_between, utc
from ocsd.text.units import duration

_NUMBERS = ("AVAILABLE", "RESTARTS", "UNASKED ENDS")
_EVENTS = columns("TIME", "INSTANCE", "CHANGE", "REASON")
_SUMMARIES = columns("INSTANCE", *_NUMBERS, "LAST UNASKED END", right=_NUMBERS)


@options.command(
    "ocsd history",
    "ocsd history thermo1 --since 30d",
    "ocsd history --since 'yesterday 22:00' --until 'today 06:00'",
    "ocsd history --availability --since 2026-11-01      # of every instance, the worst first",
    "ocsd history --json | jq '.summaries'",
)
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=completion.targets)
@records.since_option
@moment.until_option()
@options.last_option("changes")
@click.option(
    "--availability", is_flag=True, help="Show how available every instance was, and no changes."
)
@targets.class_option
@options.host_option
@options.json_option
def history(
    names: tuple[str, ...],
    since_at: float,
    until_at: float | None,
    lines: int,
    availability: bool,
    agent_class: str | None,
    host: str | None,
    as_json: bool,
) -> None:
    """Show the events of this host's instances, and how available the instances were.

    NAME may be a pattern such as 'thermo-*'. At the end are the instances that were not up
    whenever they were wanted. AVAILABLE is the part of the wanted time in which an instance was
    up; a start or restart that was asked for does not count, for up to a minute. Works with and
    without a running daemon. RESTARTS counts every restart; in `ocsd status` it counts only
    automatic ones since the daemon started.
    """
    to_at = min(until_at or time.time(), time.time())
    if to_at <= since_at and until_at is None:
        raise UsageError("--since is in the future, so there is no time since then")
    if to_at <= since_at:
        raise UsageError(no_time_between(since_at, to_at))
    # A start that was asked for before then may still count.
    entries = _chosen(records.since(host, since_at - START_ALLOWANCE_S), names, agent_class, host)
    by_id = summaries(entries, since_at, to_at)
    left = _left(by_id, host)
    # Without --until, also what was dated into the future by a clock that was ahead.
    end_at = until_at or math.inf
    recent = [entry for entry in entries if since_at <= entry.at < end_at]
    if as_json:
        times = {"from_at": since_at, "to_at": to_at}
        print(json.dumps({**_as_json(recent, by_id, left), **times}, indent=2))
        return
    screen = terminal.of_output()
    if availability:
        lines = 0
    _print_events(recent, lines, screen)
    begin_at = max(since_at, min((entry.at for entry in entries), default=since_at))
    window = f"availability from {utc(begin_at)} to {utc(to_at)} ({duration(to_at - begin_at)})"
    print("\n".join(broken(window, screen)))
    print("\n".join(_summary_lines(by_id, left, screen, everything=lines == 0)))


def _print_events(entries: Sequence[HistoryEntry], last: int, screen: Terminal) -> None:
    """Print the table of the `last` events; a terminal gets each long reason once."""
    said = None
    if screen.interactive:
        said = Said()
    rows = [row(entry, said) for entry in entries[max(0, len(entries) - last) :]]
    if not rows:
        return
    print("\n".join(table_lines(_EVENTS, rows, screen)))
    if len(rows) < len(entries):
        print(f"the last {last} of {len(entries)} changes; all: -n {len(entries)}")
    print()


def _chosen(
    entries: Sequence[HistoryEntry], words: Sequence[str], agent_class: str | None, host: str | None
) -> Sequence[HistoryEntry]:
    known = dict.fromkeys(entry.name for entry in entries)
    names = targets.matching(words, known)
    for name in names:
        if name not in known:
            from ocsd.text.nearest import did_you_mean

            near = did_you_mean(name, known)
            raise NoSuchInstanceError(f"the history has nothing of '{name}'{near}")
    if agent_class is not None:
        names = targets.narrowed(names, agent_class, present.status(host))
    elif not names:
        return entries
    return [entry for entry in entries if entry.name in names]


def row(entry: HistoryEntry, said: Said | None = None) -> list[Cell]:
    """Return the cells of one change: time, name, states, and why unless that was `said`."""
    change = entry.after or event_words(entry.event)
    if entry.after and entry.before != entry.after:
        change = f"{entry.before} -> {entry.after}"
    reason = reason_words(entry)
    if said is not None:
        reason = said.once(reason)
    by = "asked for by "
    if entry.event.startswith("alarm-"):
        by = "by "
    reasons = (reason, clause(by, entry.by))
    return [
        Cell(utc(entry.at)),
        Cell(entry.name),
        Cell(change, entry.after),
        Cell("; ".join(filter(None, reasons))),
    ]


def event_words(event: str) -> str:
    """Return the name of an event as words: ``HealthChanged`` as ``health changed``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", event).replace("-", " ").lower()


def reason_words(entry: HistoryEntry) -> str:
    """Return the reason of an entry on one line, which names a layer once."""
    reason = re.sub(r"^(\w+): (its \1\b)", r"\2", one_line(entry.reason))
    return words_of(entry.name, reason)


def words_of(name: str, reason: str) -> str:
    """Return a reason in the words for the router, if it is the router's.

    It is polled: as crossbar, it has no reactor that reports to the daemon.
    """
    if name != replies.ROUTER:
        return reason
    return reason.removeprefix("reactor: ").replace("its reactor has", "it has")


def _left(names: Iterable[str], host: str | None) -> set[str]:
    """Return the names that have left the site file; none if no daemon says what is in it."""
    try:
        listed = replies.rows(present.status(host))
    except OcsdError:
        return set()
    return set(names) - set(listed)


def _summary_lines(
    by_id: Mapping[str, Summary], left: Container[str], screen: Terminal, *, everything: bool
) -> list[str]:
    """Return the table of instances, the worst first; if not of all, of those with a flaw."""
    chosen = [name for name, summary in by_id.items() if everything or not summary.is_flawless]
    chosen.sort(key=lambda name: _rank(by_id[name]))
    lines = []
    if chosen:
        rows = [_summary_row(name, by_id[name], name in left) for name in chosen]
        lines = table_lines(_SUMMARIES, rows, screen)
    others = len(by_id) - len(chosen)
    if others:
        lines.append(f"{plural(others, 'instance')} up whenever wanted; all: --availability")
    return lines or ["no instance was wanted then"]


def _rank(summary: Summary) -> tuple[bool, float, int]:
    availability = summary.availability
    return availability is None, availability or 0.0, -summary.ends


def _summary_row(name: str, summary: Summary, has_left: bool) -> list[Cell]:
    available = last_end = "-"
    if has_left:
        name += " (left the site file)"
    if summary.availability is not None:
        available = f"{100 * summary.availability:.3f} %"
    if summary.last_end is not None:
        reason = reason_words(summary.last_end)
        last_end = f"{utc(summary.last_end.at)} {reason}"
    texts = (name, available, str(summary.restarts), str(summary.ends), last_end)
    return [Cell(text) for text in texts]


def _as_json(
    entries: Sequence[HistoryEntry], by_id: Mapping[str, Summary], left: Container[str]
) -> dict[str, Any]:
    return {
        "entries": [entry._asdict() for entry in entries],
        "summaries": {
            name: {**summary.to_json(), "left": name in left} for name, summary in by_id.items()
        },
    }
