"""Reads the audit journal of a host; works while the daemon writes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ocsd.audit.entry import AuditEntry, kept_entry
from ocsd.audit.segments import segments_of


class NumberedEntry(NamedTuple):
    """An entry with its number in the journal."""

    number: int
    entry: AuditEntry


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


def _entries(path: Path) -> Iterator[NumberedEntry]:
    lines = [line for line in lines_of(path) if line]
    try:
        rows = json.loads(b"[%s]" % b",".join(lines))  # all at once, in a third of the time
    except ValueError:
        rows = [row_of(line) for line in lines]
    for row in rows:
        entry = kept_entry(row)
        if entry is not None:
            yield NumberedEntry(int(row.get("n", -1)), entry)


def row_of(line: bytes) -> dict[str, Any]:
    """Return the fields of a line; none if it is not JSON."""
    try:
        return dict(json.loads(line))
    except (ValueError, TypeError):
        return {}


def lines_of(path: Path) -> list[bytes]:
    """Return the whole lines of a segment; the last one may be under way."""
    return path.read_bytes().split(b"\n")[:-1]
