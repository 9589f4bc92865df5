"""Messages of each incident: gathered, so that one cause calls once, and to whom they go."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar

from ocsd.alarms.alarm import NoticeKind
from ocsd.alarms.board import AlarmBoard, AlarmEntry, AlarmEvent

Content = TypeVar("Content")

GATHER_S: Final = 1.0
"""Time from the first alarm of an incident to its message, which names all that came meanwhile [s].
"""


class PageKind(StrEnum):
    """The reasons of a message."""

    RAISED = "raised"
    WORSE = "worse"
    """It is of a higher severity than people were told."""
    JOINED = "joined"
    """An alarm that is news to them has joined an incident, or they were not told of that."""
    REMINDER = "reminder"
    CLEARED = "cleared"
    WITHDRAWN = "withdrawn"
    """Its alarms have left the site file."""
    TEST = "test"


class AlarmPage(NamedTuple):
    """A message to some receivers."""

    kind: PageKind
    receivers: tuple[str, ...]
    alarms: tuple[str, ...]
    """The names of the alarms that it is about, the first one first."""
    incident: int | None = None
    news: tuple[str, ...] = ()
    """Those of the alarms that are the reason of it."""


class Gathering(NamedTuple):
    """A message that waits for more alarms of its incident."""

    kind: PageKind
    due_at: float
    receivers: tuple[str, ...]
    news: tuple[str, ...] = ()
    """The names of the alarms that are the reason of it."""


@dataclass(frozen=True, slots=True)
class AlarmPages:
    """The incidents that are not over, by their numbers, and who was told of each."""

    told: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """The receivers that have been told."""
    alarms: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """The names of its alarms, the first one first."""
    gathering: Mapping[int, Gathering] = field(default_factory=dict)

    def after(
        self, events: Sequence[AlarmEvent], board: AlarmBoard, at: float
    ) -> "tuple[AlarmPages, list[AlarmPage]]":
        """Return the pages after events, and those messages that wait for nothing."""
        pages, out = self, list[AlarmPage]()
        for event in events:
            if not event.notice.quiet:
                pages, more = pages._after(event, board.entries_by_name, at)
                out += more
        return _without_silenced(pages, events, board), out

    def _after(
        self, event: AlarmEvent, entries: Mapping[str, AlarmEntry], at: float
    ) -> "tuple[AlarmPages, list[AlarmPage]]":
        entry = entries[event.name]
        match event.notice.kind:
            case NoticeKind.RAISED if event.incident is not None:
                names = self.alarms.get(event.incident, ())
                known = max(
                    (entries[each].severity for each in names if each in entries), default=0
                )
                kind = PageKind.WORSE if entry.severity > known else PageKind.JOINED
                return self._raised(event.incident, event.tells, kind, entry, at), []
            case NoticeKind.CLEARED if event.tells:
                return self._cleared(event.incident, entry)
            case NoticeKind.REMINDED if event.tells and event.incident is not None:
                receivers = self.told.get(event.incident, entry.tell)
                alarms = self.alarms.get(event.incident, (entry.name,))
                return self, [AlarmPage(PageKind.REMINDER, receivers, alarms, event.incident)]
            case _:
                return self, []

    def _raised(
        self, number: int, tells: bool, if_told: PageKind, entry: AlarmEntry, at: float
    ) -> "AlarmPages":
        told, open_one = self.told.get(number, ()), self.gathering.get(number)
        alarms = tuple(dict.fromkeys((*self.alarms.get(number, ()), entry.name)))
        pages = replace(self, alarms={**self.alarms, number: alarms})
        receivers = tuple(name for name in entry.tell if name not in told)
        kind = PageKind.RAISED
        if told and tells:
            kind, receivers = if_told, tuple(dict.fromkeys((*told, *entry.tell)))
        elif told:
            kind = PageKind.JOINED
        due_at = at + GATHER_S
        news: tuple[str, ...] = (entry.name,)
        if open_one is not None:
            due_at, news = open_one.due_at, tuple(dict.fromkeys((*open_one.news, entry.name)))
            receivers = tuple(dict.fromkeys((*open_one.receivers, *receivers)))
            if open_one.kind is not PageKind.JOINED:
                kind = open_one.kind
        if not receivers:
            return pages
        gathered = Gathering(kind, due_at, receivers, news)
        return replace(pages, gathering={**self.gathering, number: gathered})

    def _cleared(
        self, number: int | None, entry: AlarmEntry
    ) -> "tuple[AlarmPages, list[AlarmPage]]":
        if number is None:
            return self, _pages(PageKind.CLEARED, entry.tell, (entry.name,), None)
        alarms = self.alarms.get(number, (entry.name,))
        pages, out = self._sent(number)
        receivers = pages.told.get(number, ())
        out += _pages(PageKind.CLEARED, receivers, alarms, number)
        return _without(pages, number), out

    def due(self, at: float) -> "tuple[AlarmPages, list[AlarmPage]]":
        """Return the pages, and the messages that have waited for long enough."""
        pages, out = self, list[AlarmPage]()
        for number, each in self.gathering.items():
            if at >= each.due_at:
                pages, more = pages._sent(number)
                out += more
        return pages, out

    def withdrawn(self, board: AlarmBoard) -> "tuple[AlarmPages, list[AlarmPage]]":
        """Return the pages without incidents that the board has no more: their rules are gone."""
        standing = {each.number for each in board.incidents.open}
        pages, out = self, list[AlarmPage]()
        for number in self.alarms.keys() - standing:
            receivers = self.told.get(number, ())
            out += _pages(PageKind.WITHDRAWN, receivers, self.alarms[number], number)
            pages = _without(pages, number)
        return pages, out

    def _sent(self, number: int) -> "tuple[AlarmPages, list[AlarmPage]]":
        """Return the pages after the message of an incident that was gathered, if there is one."""
        each = self.gathering.get(number)
        if each is None:
            return self, []
        told = tuple(dict.fromkeys((*self.told.get(number, ()), *each.receivers)))
        rest = _others(self.gathering, number)
        alarms = self.alarms.get(number, ())
        page = AlarmPage(each.kind, each.receivers, alarms, number, each.news)
        return replace(self, told={**self.told, number: told}, gathering=rest), [page]

    def to_json(self) -> dict[str, Any]:
        """Return them for a file: `from_json` reads it."""
        return {
            "told": {str(number): list(names) for number, names in self.told.items()},
            "alarms": {str(number): list(names) for number, names in self.alarms.items()},
            "gathering": {str(number): each._asdict() for number, each in self.gathering.items()},
        }

    @staticmethod
    def from_json(told: Mapping[str, Any]) -> "AlarmPages":
        """Return pages that `to_json` has written."""
        return AlarmPages(
            {int(number): tuple(names) for number, names in told["told"].items()},
            {int(number): tuple(names) for number, names in told["alarms"].items()},
            {
                int(number): Gathering(
                    PageKind(each["kind"]),
                    each["due_at"],
                    tuple(each["receivers"]),
                    tuple(each.get("news", ())),
                )
                for number, each in told["gathering"].items()
            },
        )


def _pages(
    kind: PageKind, receivers: tuple[str, ...], alarms: tuple[str, ...], number: int | None
) -> list[AlarmPage]:
    """Return a message; none if nobody is told."""
    if not receivers:
        return []
    return [AlarmPage(kind, receivers, alarms, number)]


def _without(pages: AlarmPages, number: int) -> AlarmPages:
    """Return pages without an incident."""
    return AlarmPages(
        told=_others(pages.told, number),
        alarms=_others(pages.alarms, number),
        gathering=_others(pages.gathering, number),
    )


def _without_silenced(
    pages: AlarmPages, events: Iterable[AlarmEvent], board: AlarmBoard
) -> AlarmPages:
    """Return pages without incidents that ended in silence: nobody is told."""
    standing = {each.number for each in board.incidents.open}
    for event in events:
        is_end = event.notice.kind is NoticeKind.CLEARED and event.incident not in standing
        if is_end and event.incident is not None:
            pages = _without(pages, event.incident)
    return pages


def _others(part: Mapping[int, Content], number: int) -> dict[int, Content]:
    return {key: value for key, value in part.items() if key != number}
