"""`ocsd why`: the reason for the state of one instance, in one place."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ocsd.cli.arguments import completion, options
from ocsd.cli.commands.history import row
from ocsd.cli.commands.status import no_such_instance
from ocsd.cli.logs import logfile, records
from ocsd.cli.screen import terminal, units
from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.talk import present, replies
from ocsd.errors import NoDaemonError, NoSuchInstanceError
from ocsd.history.summary import HistoryEntry
from ocsd.supervisor.events import State
from ocsd.system import paths
from ocsd.text.reason import shortened

EXAMINED = "Examined"
"""The journal's event for an end by force, with the folder of the incident."""

_CHANGES = 8
_LOG_LINES = 8


@click.command(
    epilog=options.examples("ocsd why thermo1", "ocsd why thermo1 --json | jq .last_end.code")
)
@click.argument("name", shell_complete=completion.names)
@options.host_option
@options.json_option
def why(name: str, host: str | None, as_json: bool) -> None:
    """Tell why instance NAME is in its state, and what led to it.

    Its state and health, its last unasked end, the record of its last end by force (for a
    hang, or as `liveness` or `limits` say), its last changes with who asked for them, and the
    end of its log. NAME may also be `router`, or `ocsd`, the daemon.
    """
    its = [entry for entry in records.entries(host) if entry.name == name]
    now = _present(name, host, bool(its))
    if now is None and not its:
        raise NoSuchInstanceError(f"neither the daemon nor the journal knows '{name}'")
    end = next((entry for entry in reversed(its) if _is_unasked_end(entry)), None)
    forced = next((entry for entry in reversed(its) if entry.event == EXAMINED), None)
    changes = [entry for entry in its if entry.event != EXAMINED][-_CHANGES:]
    its_log = (now or {}).get("log_path")
    log = Path(its_log or paths.of_host(records.host_of(host)).instance_log(name))
    log_lines = logfile.last_lines(log, _LOG_LINES)
    if as_json:
        told = {
            "now": now,
            "last_end": end and asdict(end),
            "last_forced_end": forced and asdict(forced),
        }
        changed = [asdict(entry) for entry in changes]
        print(json.dumps({**told, "changes": changed, "log": log_lines}, indent=2))
        return
    screen = terminal.of(sys.stdout, os.environ)
    headline = _missing(name, host, changes, screen) if now is None else _headline(now, screen)
    print("\n".join([headline, *_lines(end, forced, changes)]))
    if log_lines:
        print(f"\nlast lines of {log}:")
        print("\n".join(f"  {terminal.printable(shortened(line))}" for line in log_lines))


def _is_unasked_end(entry: HistoryEntry) -> bool:
    """Whether it tells how a process ended that nobody had asked to end."""
    return entry.event == "Exited" and entry.before != State.STOPPING


def _present(name: str, host: str | None, has_past: bool) -> dict[str, Any] | None:
    """Return what the daemon says of an instance now; None if no daemon runs."""
    try:
        answer = present.status(host)
    except NoDaemonError:
        return None
    rows = replies.rows(answer)
    if name in rows:
        return rows[name]
    if not has_past:
        raise NoSuchInstanceError(no_such_instance(name, answer))
    raise NoSuchInstanceError(
        f"host '{answer.get('host')}' has no instance '{name}' any more: it has left the site "
        f"file; what happened to it is told by: ocsd history {name}"
    )


def _lines(
    end: HistoryEntry | None, forced: HistoryEntry | None, changes: Sequence[HistoryEntry]
) -> list[str]:
    lines = []
    if end is not None:
        lines.append(f"last end         {units.date(end.at)}  {terminal.one_line(end.reason)}")
    if forced is not None:
        at, reason = units.date(forced.at), terminal.one_line(forced.reason)
        lines.append(f"last forced end  {at}  {reason}")
    if changes:
        lines.append("\nlast changes:")
        for entry in changes:
            at, _, change, reason = (cell.text for cell in row(entry))
            lines.append(f"  {at}  {change:<20} {reason}".rstrip())
    return lines


def _missing(name: str, host: str | None, changes: Sequence[HistoryEntry], screen: Terminal) -> str:
    last = changes[-1] if changes else None
    then = f"; it was {last.after} at {units.date(last.at)}" if last and last.after else ""
    return f"{screen.bold(name)}: {present.who_is_missing(host)}{then}"


def _headline(now: dict[str, Any], screen: Terminal) -> str:
    one = replies.instance_status(now)
    parts = [screen.styled(one.state, one.state) + f" (target {one.target})"]
    if one.health not in {None, "ok"}:
        layer = f", layer {one.layer}" if one.layer else ""
        parts.append(f"{screen.styled(one.health or '', one.health or '')}{layer}")
    if one.reason:
        parts.append(terminal.one_line(one.reason))
    if one.next_try_s is not None:
        parts.append(f"next try in {one.next_try_s:.1f} s")
    return f"{screen.bold(one.instance_id)}: " + ": ".join([parts[0], "; ".join(parts[1:])]).rstrip(
        ": "
    )
