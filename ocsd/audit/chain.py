"""The chain of the audit journal: by it a missing, changed or inserted line shows, and where.

Each line is an object of JSON that begins with its number ``n`` and ends with ``chain``: the
SHA-256 of the chain of the line before and of all of this line before that key. Whoever changes a
line has to make the chain of all lines after it anew, and the daemon tells the newest one in its
status.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

BEGINNING: Final = "0" * 64
"""Stands for the chain of the line before the first one."""

_LINE: Final = re.compile(rb'(\{"n": (\d+), .*), "chain": "([0-9a-f]{64})"\}')


class Link(NamedTuple):
    """The place of a line in the chain."""

    number: int
    """Its number; -1 stands before the first line."""
    chain: str


BEFORE_ALL: Final = Link(-1, BEGINNING)


class Break(NamedTuple):
    """A place at which the chain does not hold."""

    number: int
    """The number of the first entry concerned."""
    what: str
    """The fault there, in words."""


class Checked(NamedTuple):
    """The findings of a check of lines."""

    last: Link
    """The place of the last line."""
    breaks: tuple[Break, ...]


def chained(before: Link, row: dict[str, Any]) -> tuple[bytes, Link]:
    """Return the line of an entry, with its line feed, and the line's place."""
    number = before.number + 1
    body = json.dumps({"n": number, **row})[:-1].encode()
    link = Link(number, _hash(before.chain, body))
    return body + b', "chain": "%s"}\n' % link.chain.encode(), link


def link_of(line: bytes) -> Link | None:
    """Return the place that a line says it has; None if it is not a line of the journal."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    return Link(int(found[2]), found[3].decode())


def check(lines: Iterable[bytes], before: Link | None = BEFORE_ALL) -> Checked:
    """Check lines (without line feeds) that follow a place; None: the place is not known.

    After a break the chain is taken as the next line has it, so each change is told once.
    """
    breaks: list[Break] = []
    last = before
    for line in lines:
        found = _LINE.fullmatch(line)
        if found is None:
            at = 0
            if last is not None:
                at = last.number + 1
            breaks.append(Break(at, f"a line before entry {at} is no entry: {_shown(line)}"))
            continue
        link = Link(int(found[2]), found[3].decode())
        if last is not None:
            breaks += _break_at(last, link, found[1])
        last = link
    return Checked(last or BEFORE_ALL, tuple(breaks))


def _break_at(last: Link, link: Link, body: bytes) -> Iterator[Break]:
    expected, number = last.number + 1, link.number
    if number > expected:
        gone = f"entry {expected} is missing"
        if number > expected + 1:
            gone = f"entries {expected} to {number - 1} are missing"
        yield Break(expected, gone)
    elif number < expected:
        yield Break(number, f"an entry {number} stands after entry {last.number}: it was inserted")
    elif _hash(last.chain, body) != link.chain:
        yield Break(number, f"entry {number} was changed, or stands for another one")


def _hash(before: str, body: bytes) -> str:
    return hashlib.sha256(before.encode() + body).hexdigest()


def _shown(line: bytes) -> str:
    return repr(line[:60].decode("utf-8", "replace"))
