"""`ocsd why`: the reason for the state of one instance, in one place."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from ocsd.cli.arguments import completion, options, targets
from ocsd.cli.arguments.targets import no_such_instance
from ocsd.cli.commands.look.history import reason_words, row, words_of
from ocsd.cli.logs import records
from ocsd.cli.screen import terminal
from ocsd.cli.screen.table import columns, table_lines
from ocsd.cli.screen.terminal import LAYOUT, Terminal
from ocsd.cli.screen.wrap import broken
from ocsd.cli.talk import present
from ocsd.errors import NoDaemonError, NoSuchInstanceError, UsageError
from ocsd.history.summary import OPERATION_EVENTS, HistoryEntry
from ocsd.log import logfile
from ocsd.log.log_lines import message_of
from ocsd.status import replies
from ocsd.status.headlines import operation_text, recording_lines
from ocsd.status.reasons import reason_line
from ocsd.system import paths
from ocsd.text.printable import printable
from ocsd.text.reason import AS_ABOVE, Said, clause, shortened
from ocsd.text.times import utc

EXAMINED = "Examined"
"""The event of an end by force; its reason names the folder of the examination."""

_CHANGES = 8
_SHOWN_REQUESTS = 4
_LOG_TAIL_LINES = 8
_CHANGE_COLUMNS = columns("", "", "")


class _Account(NamedTuple):
    """All that explains the state of an instance; its fields are the keys of --json."""

    now: dict[str, Any] | None
    last_end: HistoryEntry | None
    last_forced_end: HistoryEntry | None
    changes: Sequence[HistoryEntry]
    requests: Sequence[HistoryEntry]
    log: Sequence[str]

    def to_json(self) -> dict[str, Any]:
        """Return the account as JSON has it."""
        return {
            **self._asdict(),
            "last_end": self.last_end and self.last_end._asdict(),
            "last_forced_end": self.last_forced_end and self.last_forced_end._asdict(),
            "changes": [entry._asdict() for entry in self.changes],
            "requests": [entry._asdict() for entry in self.requests],
        }


@options.command(
    "ocsd why thermo1",
    "ocsd why 'thermo-*'",
    "ocsd why --class FakeDataAgent",
    "ocsd why thermo1 --json | jq .last_end.code",
)
@click.argument("names", metavar="NAME...", nargs=-1, shell_complete=completion.targets)
@targets.class_option
@options.host_option
@options.json_option
def why(names: tuple[str, ...], agent_class: str | None, host: str | None, as_json: bool) -> None:
    """Show why instances are in their state, and what led to it.

    The parts are: state and health; the last unasked end; the record of the last end by
    force (after a hang, or because of `liveness` or `limits`); the last changes, and the last
    requests of clients to its operations, each with the user that asked for it; the end of the
    log. A long reason stands there once. NAME may be a pattern, and also `router`, or `ocsd`, the
    daemon.
    """
    if not names and agent_class is None:
        raise UsageError("`ocsd why` needs the names of instances, or --class")
    chosen = _chosen(names, agent_class, host)
    entries = records.entries(host, chosen)
    accounts = {name: _account_of(name, entries, host) for name in chosen}
    if as_json:
        document: Any = {name: account.to_json() for name, (account, _) in accounts.items()}
        if names == tuple(chosen) and len(chosen) == 1:
            [document] = document.values()
        print(json.dumps(document, indent=2))
        return
    screen = terminal.of_output()
    texts = [
        "\n".join(_text(name, account, log_path, host, screen))
        for name, (account, log_path) in accounts.items()
    ]
    print("\n\n".join(texts))


def _chosen(names: tuple[str, ...], agent_class: str | None, host: str | None) -> list[str]:
    if agent_class is None and not any(map(targets.is_pattern, names)):
        return list(dict.fromkeys(names))
    try:
        return targets.chosen(names, agent_class, present.status(host))
    except NoDaemonError:
        if agent_class is not None:
            raise
    return targets.matching(names, dict.fromkeys(entry.name for entry in records.latest(host)))


def _account_of(
    name: str, entries: Sequence[HistoryEntry], host: str | None
) -> tuple[_Account, Path]:
    """Return all about an instance, and the path of its log."""
    history = [entry for entry in entries if entry.name == name]
    now = _present(name, host, bool(history))
    if now is None and not history:
        present.raise_if_foreign(host)
        raise NoSuchInstanceError(f"neither the daemon nor the history has an instance '{name}'")
    kept_path = (now or {}).get("log_path")
    log_path = Path(kept_path or paths.of_host(records.host_of(host)).instance_log(name))
    return _account(now, history, logfile.last_lines(log_path, _LOG_TAIL_LINES)), log_path


def _text(
    name: str, account: _Account, log_path: Path, host: str | None, screen: Terminal
) -> Iterator[str]:
    said = Said()
    headline = words_of(name, _headline(account, host, screen))
    facts = [f"{screen.bold(name)}: {said.once(headline)}", *_activity(account.now, screen)]
    facts += _ends(account, said)
    yield from (piece for fact in facts for piece in broken(fact, screen))
    yield from _entries("last changes", account.changes, said, screen)
    yield from _entries("last requests of clients", account.requests, said, screen)
    if account.log:
        yield f"\nlast lines of {log_path}:"
        yield from (f"  {line}" for line in _log_lines(account.log, said))


def _account(
    now: dict[str, Any] | None, history: Sequence[HistoryEntry], log: Sequence[str]
) -> _Account:
    latest_first = history[::-1]
    last_end = next((entry for entry in latest_first if entry.is_unasked_end), None)
    last_forced_end = next((entry for entry in latest_first if entry.event == EXAMINED), None)
    of_clients = {*OPERATION_EVENTS.values()}
    requests = [entry for entry in history if entry.event in of_clients]
    changes = [entry for entry in history if entry.event not in {EXAMINED, *of_clients}]
    latest = changes[-_CHANGES:], requests[-_SHOWN_REQUESTS:]
    return _Account(now, last_end, last_forced_end, *latest, log)


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
        f"file; to see its past: ocsd history {answer.get('host')}:{name}"
    )


def _activity(now: dict[str, Any] | None, screen: Terminal) -> Iterator[str]:
    """Yield how the recording of an aggregator goes, or which operations do not run."""
    if now is None:
        return
    instance = replies.instance_status(now)
    if instance.records:
        for parts in recording_lines(instance, None, screen):
            yield f" {screen.dot} ".join(parts)
        return
    for operation in instance.lacks:
        again = f"to start it: ocsd call {instance.instance_id} {operation.name} start"
        yield f"{'does not run':<15}  {operation_text(operation)}; {again}"


def _ends(account: _Account, said: Said) -> Iterator[str]:
    ends = {"last end": account.last_end, "last forced end": account.last_forced_end}
    for title, end in ends.items():
        if end is not None:
            yield f"{title:<15}  {utc(end.at)}  {said.once(reason_words(end))}"


def _entries(
    title: str, entries: Sequence[HistoryEntry], said: Said, screen: Terminal
) -> Iterator[str]:
    if not entries:
        return
    yield f"\n{title}:"
    # The name stands above.
    cells = (row(entry, said) for entry in entries)
    rows = [[at, change, reason] for at, _, change, reason in cells]
    fitted = screen._replace(width_columns=screen.width_columns - 2)
    for line in table_lines(_CHANGE_COLUMNS, rows, fitted)[1:]:
        yield f"  {line}"


def _log_lines(lines: Sequence[str], said: Said) -> Iterator[str]:
    """Yield the end of a log; lines in a row that stand in a reason above are one line."""
    hidden = False
    for line in lines:
        if said.has(message_of(line)):
            if not hidden:
                yield AS_ABOVE
            hidden = True
        else:
            hidden = False
            yield printable(shortened(line), keep=LAYOUT)


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
