"""The lines of one log, each with its time and level; filters keep whole events.

An event is a line with a time and the further lines that belong to it, such as those of a
traceback.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, NamedTuple

from ocsd.log.levels import LEVELS
from ocsd.log.logfile import Follower, written_at

_HEAD: Final = re.compile(r"\S+ \[(?P<level>critical|error|warn|info|debug|trace)\] ?")
_STAMP: Final = re.compile(r"\d{4}-\S+ ?")
_CRASH: Final = re.compile(r"Traceback \(most recent call last\)|Fatal Python error")
UNSAID: Final = {"router": "warn"}
"""The level of lines that do not say it, if it is not `info`: crossbar logs warnings and worse."""

_EVENT_LIMIT_LINES: Final = 1000


class LogLine(NamedTuple):
    """One line of a log, without its line feed."""

    name: str
    """The name of the log."""
    text: str
    at: float | None
    """Time of its event [s, Unix time]; None if no line before has one."""
    level: str | None
    """Level of its event; None if that does not say it."""
    begins: bool
    """Whether it is the first line of its event."""
    order_at: float = 0.0
    """The latest time in its log up to it [s, Unix time]: its place among the lines of others."""

    @property
    def message(self) -> str:
        """Its text without time and level."""
        if not self.begins:
            return self.text
        return message_of(self.text)


def message_of(text: str) -> str:
    """Return a line without the time and the level at its beginning."""
    head = _HEAD.match(text) or _STAMP.match(text)
    if head is None:
        return text
    return text[head.end() :]


class LineReader:
    """Reads one log, line by line; with `follow` an unfinished line may wait for its rest."""

    def __init__(self, name: str, follower: Follower, follow: bool) -> None:
        self._name = name
        self._follower = follower
        self._follow = follow
        self._rest = ""
        self._at: float | None = None
        self._order_at = 0.0
        self._level: str | None = None

    def fresh(self) -> Iterator[LogLine]:
        """Yield the lines that can be read now; to be called again and again to follow."""
        waits = False
        for text in self._follower.fresh():
            *lines, self._rest = (self._rest + text).split("\n")
            yield from map(self._line, lines)
            waits = self._follow
        if self._rest and not waits:
            yield self._line(self._rest)
            self._rest = ""

    def _line(self, text: str) -> LogLine:
        at = written_at(text.encode())
        begins = at is not None
        if at is not None:
            self._at = at
            # No line stands before an earlier one of the same log, though its clock was set back.
            self._order_at = max(self._order_at, at)
            head = _HEAD.match(text)
            self._level = head and head["level"]
        elif _CRASH.match(text):
            begins, self._level = True, "error"
        return LogLine(self._name, text, self._at, self._level, begins, self._order_at)


class LineFilter(NamedTuple):
    """Chooses events by time, level and text."""

    until_at: float | None = None
    level: str = LEVELS[0]
    """The lowest level."""
    pattern: re.Pattern[str] | None = None
    """Has to be found in a line of the event."""

    @property
    def chooses(self) -> bool:
        """Whether it leaves anything out."""
        return self != LineFilter()

    def passed(self, lines: Iterable[LogLine]) -> Iterator[LogLine]:
        """Yield the lines of the events that are chosen."""
        for event in events(lines):
            if self._wants(event):
                yield from event

    def _wants(self, event: list[LogLine]) -> bool:
        first = event[0]
        if self.until_at is not None and (first.at or 0.0) >= self.until_at:
            return False
        level = first.level or UNSAID.get(first.name, "info")
        if LEVELS.index(level) < LEVELS.index(self.level):
            return False
        return self.pattern is None or any(self.pattern.search(line.text) for line in event)


def events(lines: Iterable[LogLine]) -> Iterator[list[LogLine]]:
    """Yield the lines of each event together, at most 1,000 of them."""
    event: list[LogLine] = []
    for line in lines:
        is_next = line.begins or (event and event[-1].name != line.name)
        if event and (is_next or len(event) == _EVENT_LIMIT_LINES):
            yield event
            event = []
        event.append(line)
    if event:
        yield event


def as_json(event: list[LogLine]) -> dict[str, object]:
    """Return an event as `ocsd logs --json` prints it."""
    first = event[0]
    text = "\n".join([first.message, *(line.text for line in islice(event, 1, None))])
    return {"at": first.at, "instance_id": first.name, "level": first.level, "text": text}
