"""`ocsd audit`: who did what on this host, or was refused, and whether the record is whole."""

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from ocsd.audit.entry import AuditEntry, AuditKind, AuditOutcome
from ocsd.audit.reading import NumberedEntry, read_audit
from ocsd.cli.arguments import options
from ocsd.cli.screen import moment, terminal
from ocsd.cli.screen.table import Cell, columns, table_lines
from ocsd.cli.talk import present
from ocsd.cli.talk.hosts import hosts_of_files
from ocsd.errors import (
    AuditBrokenError,
    NoDaemonError,
    NoHistoryError,
    NotPermittedError,
    SeveralDaemonsError,
)
from ocsd.status import replies
from ocsd.system import paths
from ocsd.text.printable import printable
from ocsd.text.times import utc

_TABLE = columns("TIME", "WHO", "ROLE", "ACTION", "TARGET", "OUTCOME", "DETAILS")


@options.command(
    "ocsd audit",
    "ocsd audit --since yesterday --person vera",
    "ocsd audit --action 'login*' --refused",
    "ocsd audit --verify",
    "ocsd audit --json | jq '.entries[] | select(.outcome == \"refused\")'",
)
@moment.since_option(default="7d", show_default=True)
@moment.until_option()
@click.option("--person", metavar="NAME", help="Only what this person did; may be a pattern.")
@click.option("--action", metavar="NAME", help="Only this action, e.g. start; may be a pattern.")
@click.option("--refused", is_flag=True, help="Only what was refused, or failed.")
@options.last_option("entries")
@click.option("--verify", is_flag=True, help="Check the whole record: is anything missing?")
@options.host_option
@options.json_option
def audit(
    since_at: float,
    until_at: float | None,
    person: str | None,
    action: str | None,
    refused: bool,
    lines: int,
    verify: bool,
    host: str | None,
    as_json: bool,
) -> None:
    """Show who did what on this host, or was refused, and check the record.

    An entry is a request to the daemon or to an operation of an agent, a login, a refusal, or a
    change of people and keys. WHO is a name for which the router, the login or the system vouches;
    words in quotes are the client's own. Works with and without a running daemon. With --verify,
    each missing, changed or inserted entry is named, and the exit code is 1 if there is one.
    """
    folder, status = _folder(host)
    if verify:
        with _explained(folder):
            _verify(folder, status, as_json=as_json)
        return
    until = until_at or math.inf
    with _explained(folder):
        entries = read_audit(folder, since_at)
    chosen = [
        each
        for each in entries
        if since_at <= each.entry.at < until and _is_chosen(each.entry, person, action, refused)
    ]
    if as_json:
        rows = (json.dumps({"n": each.number, **_full(each.entry)}) for each in chosen)
        # An entry on each line, which is three times as fast as an indented document.
        print('{"entries": [\n' + ",\n".join(rows) + "\n]}")
        return
    _print_table(chosen, lines)


def _print_table(chosen: list[NumberedEntry], lines: int) -> None:
    shown = chosen[max(0, len(chosen) - lines) :]
    if not shown:
        print("no entry of that kind in that time")
        return
    screen = terminal.of_output()
    rows = [_row(each.entry) for each in shown]
    print("\n".join(table_lines(_TABLE, rows, screen)))
    if len(shown) < len(chosen):
        print(f"the last {lines} of {len(chosen)} entries; all: -n {len(chosen)}")


def _is_chosen(entry: AuditEntry, person: str | None, action: str | None, refused: bool) -> bool:
    if refused and entry.outcome == AuditOutcome.DONE:
        return False
    return _fits(person, entry.person) and _fits(action, entry.action)


def _fits(pattern: str | None, text: str) -> bool:
    if pattern is None or pattern == text:
        return True
    from fnmatch import fnmatchcase

    return fnmatchcase(text, pattern)


def _row(entry: AuditEntry) -> list[Cell]:
    who = entry.person
    if not who and entry.says:
        who = f'"{entry.says}"'
    outcome = entry.outcome
    if entry.times > 1:
        outcome += f", {entry.times} times"
    texts = (
        utc(entry.at),
        who or "-",
        entry.role or "-",
        entry.action,
        entry.target or "-",
        outcome,
        _details(entry),
    )
    return [Cell(_shown(text)) for text in texts]


def _shown(text: str) -> str:
    """Return a text that cannot steer a terminal: somebody may have changed the file."""
    if text.isprintable():
        return text
    return printable(text)


def _details(entry: AuditEntry) -> str:
    details = []
    if entry.reason:
        details.append(entry.reason)
    if entry.parameters and entry.kind != AuditKind.AUDIT:
        details.append(json.dumps(entry.parameters, ensure_ascii=False))
    if entry.address:
        details.append(f"from {entry.address}")
    if entry.source and entry.kind != AuditKind.OPERATION:
        details.append(f"told by {entry.source}")
    return "; ".join(details)


def _full(entry: AuditEntry) -> dict[str, Any]:
    return {**entry._asdict(), "parameters": dict(entry.parameters)}


def _verify(folder: Path, status: Mapping[str, Any], *, as_json: bool) -> None:
    """Check a journal, also by the word of the daemon before, if one runs."""
    from ocsd.audit.chain import Link
    from ocsd.audit.checking import verify

    known = None
    if told := status.get("audit"):
        known = Link(told["number"], told["chain"])
    verdict = verify(folder, known)
    breaks = [each.what for each in verdict.breaks]
    if as_json:
        facts = {"entries": verdict.entries, "first": verdict.first, "breaks": breaks}
        print(json.dumps({**facts, "last": verdict.last._asdict()}, indent=2))
    elif not breaks:
        span = f"{verdict.first} to {verdict.last.number}"
        print(f"the record is whole: {verdict.entries} entries, {span}")
    if breaks:
        raise AuditBrokenError(
            f"the audit journal {folder} is not as it was written: {'; '.join(breaks)}. Compare it "
            "with a backup, and find out who could write there"
        )


@contextmanager
def _explained(folder: Path) -> Iterator[None]:
    """Say in words why a journal cannot be read."""
    try:
        yield
    except PermissionError as error:
        raise NotPermittedError(
            f"this user may not read {folder}; use the account of the daemon, or sudo"
        ) from error
    except OSError as error:
        raise NoHistoryError(f"the audit journal {folder} cannot be read: {error}") from error


def _folder(host: str | None) -> tuple[Path, Mapping[str, Any]]:
    """Return the folder of the journal of a host, and the status of its daemon, if one runs."""
    try:
        status = present.status(host)
        return replies.journal_path(status).with_name("audit"), status
    except NoDaemonError as error:
        folders = [paths.of_host(name).audit for name in hosts_of_files(host, error)]
        found = [folder for folder in folders if folder.is_dir()]
        if not found:
            places = ", ".join(map(str, folders))
            raise NoHistoryError(
                f"{error}. There is no audit journal in {places} either"
            ) from error
        if len(found) > 1:
            listed = ", ".join(folder.parent.name for folder in found)
            raise SeveralDaemonsError(
                f"several hosts have an audit journal ({listed}); add --host"
            ) from error
        return found[0], {}
