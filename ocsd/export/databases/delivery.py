"""Sends lines in batches; a line that the database refuses holds up no other one."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Final, NamedTuple

from ocsd.export.databases.lines import FieldName, single_fields

MOST_LINES: Final = 10_000
"""Lines of a batch at most, as in OCS."""
MOST_BATCH_BYTES: Final = 4 * 2**20
"""About as many bytes of a batch at most; InfluxDB 1 takes 25 MB."""

_ALL_DROPPED: Final = re.compile(r"dropped=(\d+)")
_IS_FLOAT: Final = re.compile(
    r'input field "(?P<field>.+?)" on measurement "(?P<measurement>.+?)" is type integer, '
    "already exists as type float"
)
_WHOLE_NUMBER: Final = re.compile(r"(?<=\d)i( -?\d+)$")


class LinesRefusedError(Exception):
    """The database refuses lines for what they are; the text is its reason.

    Internal to the writers: the lines are sent again in parts.
    """


class RefusedLine(NamedTuple):
    """A line that the database does not take, and its reason."""

    line: str
    reason: str


class DeliveredBatch(NamedTuple):
    """The result of sending a batch."""

    refused: Sequence[RefusedLine]
    floats: frozenset[FieldName]
    """Fields that were refused as integers because they are floats in the database."""


Send = Callable[[Sequence[str]], None]


def batches(lines: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield lines in batches."""
    begin, size_bytes = 0, 0
    for place, line in enumerate(lines):
        if place - begin >= MOST_LINES or (size_bytes > MOST_BATCH_BYTES and place > begin):
            yield lines[begin:place]
            begin, size_bytes = place, 0
        size_bytes += len(line)
    if begin < len(lines):
        yield lines[begin:]


def deliver(lines: Sequence[str], send: Send) -> DeliveredBatch:
    """Send a batch; what the database refuses in it is found by halves, down to single fields.

    Sending a point again does not double it: it has the same series and time.

    Raises
    ------
    DatabaseAwayError
        If the database has become unreachable; the batch may be there in parts.
    """
    refused: list[RefusedLine] = []
    floats: set[FieldName] = set()
    waiting = [lines]
    while waiting:
        part = waiting.pop()
        try:
            send(part)
        except LinesRefusedError as error:
            reason = str(error)
            smaller = _smaller(part, reason)
            if not smaller:
                floats |= _floats(reason)
                refused += _without_whole_number(part, reason, send)
            waiting += reversed(smaller)
    return DeliveredBatch(refused, frozenset(floats))


def _smaller(lines: Sequence[str], reason: str) -> list[Sequence[str]]:
    """Return the parts to send instead of refused lines; none if all of them are refused."""
    if len(lines) > 1:
        if _all_too_old(lines, reason):
            return []
        half = len(lines) // 2
        return [lines[:half], lines[half:]]
    fields = list(chain.from_iterable(map(single_fields, lines)))
    if len(fields) > 1:
        return [[field] for field in fields]
    return []


def _all_too_old(lines: Sequence[str], reason: str) -> bool:
    """Whether all lines are refused for their time, so that parts would be refused as well."""
    dropped = _ALL_DROPPED.search(reason)
    return (
        dropped is not None
        and int(dropped[1]) >= len(lines)
        and "beyond retention policy" in reason
    )


def _floats(reason: str) -> set[FieldName]:
    found = _IS_FLOAT.search(reason)
    return {(found["measurement"], found["field"])} if found else set()


def _without_whole_number(lines: Sequence[str], reason: str, send: Send) -> list[RefusedLine]:
    """Send a line whose value is a float in the database again as one; return what is refused."""
    if _IS_FLOAT.search(reason):
        try:
            send([_WHOLE_NUMBER.sub(r"\1", line) for line in lines])
        except LinesRefusedError as error:
            reason = str(error)
        else:
            return []
    return [RefusedLine(line, reason) for line in lines]
