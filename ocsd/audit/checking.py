"""Checks the chain of a whole audit journal: whether anything is missing, or was changed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from ocsd.audit.chain import BEFORE_ALL, Break, Link, check
from ocsd.audit.entry import AuditKind
from ocsd.audit.reading import lines_of, row_of
from ocsd.audit.segments import SEGMENTS_DROPPED, name_of, segments_of

_DROPPED_MARK: Final = b'"action": "%s"' % SEGMENTS_DROPPED.encode()


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


def verify(folder: Path) -> ChainVerdict:
    """Check the chain of a journal.

    Raises
    ------
    OSError
        If it may not be read.
    """
    segments = segments_of(folder)
    contents = [lines_of(path) for path in segments]
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
        row = row_of(line)
        told = row.get("parameters") or {}
        if row.get("kind") == AuditKind.AUDIT and told.get("up_to") == first - 1:
            return Link(first - 1, str(told.get("last")))
    return None
