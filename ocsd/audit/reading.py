"""Reads the audit journal of a host, and checks its chain; works while the daemon writes."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from ocsd.audit.chain import BEFORE_ALL, Break, Link, check
from ocsd.audit.entry import AuditEntry, AuditKind, entry_of
from ocsd.audit.journal import SEGMENTS_DROPPED, name_of, segments_of

_DROPPED_MARK: Final = b'"action": "%s"' % SEGMENTS_DROPPED.encode()


class NumberedEntry(NamedTuple):
    """An entry with its number in the journal."""

    number: int
    entry: AuditEntry


class ChainVerdict(NamedTuple):
    """The findings of a check of a whole journal."""

    entries: int
    """Number of entries."""
    first: int
    """Number of the first one that is kept."""
    last: Link
    """The place of the last one."""
    breaks: tuple[Break, ...]
    """The places at which the chain does not hold; empty if it is whole."""


def read_audit(folder: Path, since_at: float = 0.0) -> list[NumberedEntry]:
    """Return the entries since a Unix time [s], the oldest first; there may be some older ones.

    Segments that end before that time are not read. Lines that are no entries are left out.

    Raises
    ------
    OSError
        If it may not be read.
    """
    found: list[list[NumberedEntry]] = []
    for path in reversed(segments_of(folder)):
        entries = list(_entries(path))
        found.append(entries)
        if entries and entries[0].entry.at < since_at:
            break
    return [each for entries in reversed(found) for each in entries]


def verify(folder: Path) -> ChainVerdict:
    """Check the chain of a journal.

    Raises
    ------
    OSError
        If it may not be read.
    """
    segments = segments_of(folder)
    contents = [_lines(path) for path in segments]
    lines = [line for content in contents for line in content]
    before: Link | None = BEFORE_ALL
    breaks: list[Break] = []
    first = 0
    begin = _first_number(segments)
    if begin:
        first, before = begin, _dropped_before(lines, begin)
        if before is None:
            breaks.append(Break(0, f"entries 0 to {begin - 1} are missing"))
    last, more = check(lines, before)
    return ChainVerdict(len(lines), first, last, (*breaks, *more))


def _first_number(segments: Sequence[Path]) -> int:
    """Return the number of the first entry, by the name of its segment."""
    if not segments or segments[0].name == name_of(0):
        return 0
    return int(segments[0].stem)


def _dropped_before(lines: Sequence[bytes], first: int) -> Link | None:
    """Return the place before the first line, as the journal tells that the rest was dropped."""
    for line in reversed(lines):
        if _DROPPED_MARK not in line:
            continue
        row = _row(line)
        told = row.get("parameters") or {}
        if row.get("kind") == AuditKind.AUDIT and told.get("up_to") == first - 1:
            return Link(first - 1, str(told.get("last")))
    return None


def _entries(path: Path) -> Iterator[NumberedEntry]:
    lines = [line for line in _lines(path) if line]
    try:
        rows = json.loads(b"[%s]" % b",".join(lines))  # all at once, in a third of the time
    except ValueError:
        rows = [_row(line) for line in lines]
    for row in rows:
        entry = entry_of(row)
        if entry is not None:
            yield NumberedEntry(int(row.get("n", -1)), entry)


def _row(line: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError):
        return {}


def _lines(path: Path) -> list[bytes]:
    """Return the whole lines of a segment; the last one may be under way."""
    return path.read_bytes().split(b"\n")[:-1]
