"""`ocsd why`: the reason for the state of one instance, in one place."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from ocsd.cli.arguments import completion, options
from ocsd.cli.commands.look.history import row
from ocsd.cli.commands.look.status import no_such_instance
from ocsd.cli.logs import logfile, records
from ocsd.cli.overview.rows import reason_line
from ocsd.cli.screen import terminal
from ocsd.cli.screen.terminal import LAYOUT, Terminal
from ocsd.cli.talk import present, replies
from ocsd.errors import NoDaemonError, NoSuchInstanceError
from ocsd.history.summary import HistoryEntry
from ocsd.system import paths
from ocsd.text.printable import one_line, printable
from ocsd.text.reason import clause, shortened
from ocsd.text.times import utc

EXAMINED = "Examined"
"""The event of an end by force; its reason names the folder of the examination."""

_CHANGES = 8
_LOG_TAIL_LINES = 8


@dataclass(frozen=True, slots=True)
class _Account:
    """All that explains the state of an instance; its fields are the keys of --json."""

    now: dict[str, Any] | None
    last_end: HistoryEntry | None
    last_forced_end: HistoryEntry | None
    changes: Sequence[HistoryEntry]
    log: Sequence[str]


@options.command("ocsd why thermo1", "ocsd why thermo1 --json | jq .last_end.code")
@click.argument("name", shell_complete=completion.names)
@options.host_option
@options.json_option
def why(name: str, host: str | None, as_json: bool) -> None:
    """Show why instance NAME is in its state, and what led to it.

    The parts are: its state and health; its last unasked end; the record of its last end by
    force (after a hang, or because of `liveness` or `limits`); its last changes, each with the
    user that asked for it; the end of its log. NAME may also be `router`, or `ocsd`, the daemon.
    """
    history = [entry for entry in records.entries(host) if entry.name == name]
    now = _present(name, host, bool(history))
    if now is None and not history:
        raise NoSuchInstanceError(f"neither the daemon nor the history has an instance '{name}'")
    kept_path = (now or {}).get("log_path")
    log_path = Path(kept_path or paths.of_host(records.host_of(host)).instance_log(name))
    account = _account(now, history, logfile.last_lines(log_path, _LOG_TAIL_LINES))
    if as_json:
        print(json.dumps(asdict(account), indent=2))
        return
    screen = terminal.of_output()
    headline = f"{screen.bold(name)}: {_headline(account, host, screen)}"
    print("\n".join([headline, *_lines(account)]))
    if account.log:
        print(f"\nlast lines of {log_path}:")
        print("\n".join(f"  {printable(shortened(line), keep=LAYOUT)}" for line in account.log))


def _account(
    now: dict[str, Any] | None, history: Sequence[HistoryEntry], log: Sequence[str]
) -> _Account:
    latest_first = history[::-1]
    last_end = next((entry for entry in latest_first if entry.is_unasked_end), None)
    last_forced_end = next((entry for entry in latest_first if entry.event == EXAMINED), None)
    changes = [entry for entry in history if entry.event != EXAMINED][-_CHANGES:]
    return _Account(now, last_end, last_forced_end, changes, log)


def _present(name: str, host: str | None, has_past: bool) -> dict[str, Any] | None:
    """Return the daemon's present report of an instance; None if no daemon runs."""
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
        f"file; to see its past: ocsd history {name}"
    )


def _lines(account: _Account) -> Iterator[str]:
    ends = {"last end": account.last_end, "last forced end": account.last_forced_end}
    for title, end in ends.items():
        if end is not None:
            yield f"{title:<15}  {utc(end.at)}  {one_line(end.reason)}"
    if account.changes:
        yield "\nlast changes:"
    for entry in account.changes:
        at, _, change, reason = (cell.text for cell in row(entry))
        yield f"  {at}  {change:<20} {reason}".rstrip()


def _headline(account: _Account, host: str | None, screen: Terminal) -> str:
    if account.now is not None:
        return _state(replies.instance_status(account.now), screen)
    missing = present.who_is_missing(host)
    last = next(reversed(account.changes), None)
    if last is None or not last.after:
        return missing
    return f"{missing}; it was {last.after} at {utc(last.at)}"


def _state(instance: replies.InstanceStatus, screen: Terminal) -> str:
    details = []
    if instance.health and not instance.healthy:
        health = screen.styled(instance.health, instance.health)
        details.append(health + clause(", layer ", instance.layer or ""))
    details.append(reason_line(instance))
    reasons = clause(": ", "; ".join(filter(None, details)))
    return f"{screen.styled(instance.state, instance.state)} (target {instance.target}){reasons}"
