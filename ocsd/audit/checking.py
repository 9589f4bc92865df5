"""Checks the chain of a whole audit journal: whether anything is missing, or was changed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from ocsd.audit.chain import BEFORE_ALL, Break, Link, check, link_of
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


def verify(folder: Path, known: Link | None = None) -> ChainVerdict:
    """Check the chain of a journal, also against the place of an entry that is known otherwise.

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
    if known is not None:
        breaks += _differing(lines, last, known)
    return ChainVerdict(len(lines), first, last, (*breaks, *more))


def _differing(lines: Sequence[bytes], last: Link, known: Link) -> Iterator[Break]:
    """Yield what of a journal is not as it was when `known` was its end."""
    if known.number > last.number:
        yield Break(
            last.number + 1, f"entries {last.number + 1} to {known.number} are missing at the end"
        )
        return
    for line in reversed(lines):
        link = link_of(line)
        if link is not None and link.number <= known.number:
            if link.number == known.number and link.chain != known.chain:
                yield Break(link.number, f"entry {link.number}, or one before, was made anew")
            return


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
