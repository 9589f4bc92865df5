"""Sends lines of which some are refused, so that no refused line holds up another one."""

import re
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Final, NamedTuple

from ocsd.export.databases.lines import single_fields

_DROPPED: Final = re.compile(r"dropped=(\d+)")
_NUMBERED: Final = re.compile(r"\S*\d\S*")


class LinesRefusedError(Exception):
    """The database refuses lines for what they are; the text is its reason.

    Internal to the writers: the lines are sent again in parts.
    """


class RefusedLine(NamedTuple):
    """A line that the database does not take, and its reason."""

    line: str
    reason: str


Send = Callable[[str], None]


def isolate(lines: Sequence[str], send: Send) -> list[RefusedLine]:
    """Send lines; what the database refuses is found by halves, down to single fields.

    Sending a point again does not double it: it has the same series and time.

    Raises
    ------
    DatabaseAwayError
        If the database has become unreachable; the lines may be there in parts.
    """
    refused: list[RefusedLine] = []
    waiting = [lines]
    while waiting:
        part = waiting.pop()
        try:
            send("\n".join(part))
        except LinesRefusedError as error:
            reason = str(error)
            smaller = _smaller(part, reason)
            if not smaller:
                refused += [RefusedLine(line, reason) for line in part]
            waiting += reversed(smaller)
    return refused


def are_all_refused(lines: Sequence[str], reason: str) -> bool:
    """Return whether the database says that it has dropped each of the lines."""
    dropped = _DROPPED.search(reason)
    return dropped is not None and int(dropped[1]) >= len(lines)


def are_alike(one: str, other: str) -> bool:
    """Return whether two reasons are the same but for numbers, such as that of the request."""
    return _NUMBERED.sub("", one) == _NUMBERED.sub("", other)


def _smaller(lines: Sequence[str], reason: str) -> list[Sequence[str]]:
    """Return the parts to send instead of refused lines; none if all of them are refused."""
    if len(lines) > 1:
        # For their time or their series, so that parts would be refused as well; of a conflict of
        # types, the other fields of a line are taken.
        if "field type conflict" not in reason and are_all_refused(lines, reason):
            return []
        half = len(lines) // 2
        return [lines[:half], lines[half:]]
    fields = list(chain.from_iterable(map(single_fields, lines)))
    if len(fields) > 1:
        return [[field] for field in fields]
    return []
