"""The evaluator's work: what comes in, is kept, and is told. It has neither clock nor reactor."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from ocsd.alarms import view
from ocsd.alarms.alarm import AlarmRequestError, NoticeKind
from ocsd.alarms.board import AlarmBoard, AlarmEvent
from ocsd.alarms.conditions import HostFacts
from ocsd.alarms.outbox import AlarmMessage
from ocsd.errors import NoSuchAlarmError, OcsdError, UsageError
from ocsd.evaluator.deliveries import Deliveries, Tries
from ocsd.evaluator.kept import KeptAlarms, answer, deliveries
from ocsd.evaluator.pages import AlarmPage, PageKind
from ocsd.evaluator.samples import AlarmSamples
from ocsd.evaluator.wording import Links, content
from ocsd.journal import Entry
from ocsd.site.alarms.keys import AlarmsKeys
from ocsd.text.nearest import nearest_or_all
from ocsd.text.plural import plural
from ocsd.text.printable import one_line
from ocsd.text.times import utc

TICK_S: Final = 1.0
CLOCK_SET_S: Final = 1.0
"""A step back of the clock that is more than its usual care [s]."""
KEPT_EVERY_S: Final = 5.0
"""Shortest time between two versions on the disk between which nothing has happened [s]."""
MOST_UNRECORDED: Final = 2000
LONGEST_COMMENT: Final = 500
_MOST_ALARM_NAMES: Final = 20
"""Names of alarms in the status, at most."""

_RECORDED: Final = {
    NoticeKind.RAISED: "alarm-raised",
    NoticeKind.CLEARED: "alarm-cleared",
    NoticeKind.ACKNOWLEDGED: "alarm-acknowledged",
    NoticeKind.SILENCED: "alarm-silenced",
    NoticeKind.UNSILENCED: "alarm-unsilenced",
}
UNDELIVERABLE_EVENT: Final = "alarm-undeliverable"


class Desk:
    """Evaluates the alarms of a host and tells people.

    Parameters
    ----------
    host : str
        Its name.
    keys : AlarmsKeys
        The key ``alarms`` of the site file.
    kept : KeptAlarms
        What the evaluator before has kept; with an `origin`, and the `begun_at` of this one.
    write : callable
        Writes what is kept, and returns whether it is safe (`ocsd.evaluator.kept.KeptFile`).
    tries : Tries
        Makes attempts.
    """

    def __init__(
        self,
        host: str,
        keys: AlarmsKeys,
        kept: KeptAlarms,
        write: Callable[[KeptAlarms], bool],
        tries: Tries,
        links: Links,
    ) -> None:
        self.links = links
        self._host = host
        self._keys = keys
        self._kept = kept
        self._write = write
        self.board = AlarmBoard(keys.entries(), kept.begun_at, kept.board)
        self._reader = AlarmSamples(self.board)
        receivers = {
            name: each.model_dump(mode="json", by_alias=True, exclude_none=True)
            for name, each in keys.receivers.items()
        }
        self._deliveries = Deliveries(kept.outbox, receivers, tries)
        self._tries_of_file = kept.outbox
        self._saved: KeptAlarms | None = None
        self._saved_phases: list[tuple[Any, ...]] = []
        self._ticked_at = self._at = 0.0
        self._looked_at = float("-inf")

    @property
    def unrecorded(self) -> Sequence[Mapping[str, Any]]:
        """The entries that the history does not have yet."""
        return self._kept.unrecorded

    def begin(self, at: float) -> None:
        """Take over from the evaluator before, at a time [s, Unix time]."""
        self.board.begin(at)
        pages, out = self._kept.pages.withdrawn(self.board)
        self._kept = replace(self._kept, pages=pages)
        self._queue(out, at)
        self._drop_receivers(at)
        self._keep(at)

    def _drop_receivers(self, at: float) -> None:
        """Drop what was for receivers that the site file has no more, with one entry."""
        dropped = self._deliveries.without_receivers_of_before()
        names = sorted({each.receiver for each in dropped})
        if dropped:
            reason = (
                f"{plural(len(dropped), 'message')} dropped to {', '.join(names)}: "
                "the site file has no such receiver any more"
            )
            self._note([{"at": at, "event": UNDELIVERABLE_EVENT, "reason": reason}])
        known = self._keys.receivers
        ended = tuple(row for row in self._kept.ended if row["receiver"] in known)
        self._kept = replace(self._kept, ended=ended)

    def round(
        self, entries: Iterable[Entry], facts: HostFacts | None, at: float, *, behind: bool = False
    ) -> None:
        """Take in what came, keep it, and tell people.

        Parameters
        ----------
        entries : iterable of Entry
            Of the journal.
        facts : HostFacts or None
            What the daemon tells; None: nothing new.
        at : float
            The time [s, Unix time].
        behind : bool
            Whether the journal has more already: then no feed is silent.
        """
        if at < self._at - CLOCK_SET_S:
            self.board.clock_was_set(at)
        self._at = at
        events = self._reader.read(entries)
        if facts is not None:
            self._looked_at = at
            events += self.board.looked(facts, at)
        if not behind and not 0 <= at - self._ticked_at < TICK_S:
            self._ticked_at = at
            events += self.board.ticked(at)
        self._take(events, at)
        pages, out = self._kept.pages.due(at)
        self._kept = replace(self._kept, pages=pages)
        self._queue(out, at)
        self._settle(at)
        self._keep_if_changed(at)
        given_up = self._deliveries.begin(at, lambda: self._keep(at))
        if given_up:
            known = (each for each in given_up if each.receiver in self._keys.receivers)
            self._kept = self._kept.over(view.delivery_row(each, at) for each in known)
            self._undeliverable(given_up, at)

    def recorded(self, count: int, at: float) -> None:
        """Take in that the daemon has written the first entries of `unrecorded`."""
        self._kept = replace(self._kept, unrecorded=self._kept.unrecorded[count:])
        self._keep(at)

    def summary(self, at: float) -> dict[str, Any]:
        """Return the figures for the status of the host."""
        names = view.without_anything(self.board, self._reader.arrived_at, self._looked_at)
        texts = self._texts()
        nothing = [
            f"{name} ({texts[name]})" if name in texts else name
            for name in names[:_MOST_ALARM_NAMES]
        ]
        return {**view.summary(self.board, deliveries(self._now()), at), "nothing": nothing}

    def _texts(self) -> dict[str, str]:
        """Return the names of alarms about fields that are text, each with these words."""
        return {
            name: "its field is text"
            for name, entry in self.board.entries_by_name.items()
            if getattr(entry.rule.condition, "field", "") in self._reader.texts
        }

    def asked(self, request: Mapping[str, Any], at: float) -> dict[str, Any]:
        """Carry out a request of the daemon, and return the answer.

        Raises
        ------
        OcsdError
            If it cannot be carried out.
        """
        verb = request.get("ask")
        if verb == "alarms":
            return self._all(at)
        if verb == "test":
            return self._test(request, at)
        name, by = str(request.get("name", "")), str(request.get("by", ""))
        comment = one_line(str(request.get("comment") or ""))[:LONGEST_COMMENT]
        match verb:
            case "ack":
                events = self._judged(name, lambda: self.board.acknowledge(name, by, at))
            case "silence":
                until_at = _until(request, at)
                events = self._judged(name, lambda: self.board.silence(name, by, until_at, at))
            case "unsilence":
                events = self._judged(name, lambda: self.board.unsilence(name, by, at))
            case _:
                raise UsageError(f"the evaluator of alarms knows no request {verb!r}")
        self._take(events, at, comment)
        if not self._keep(at):
            raise OcsdError("it is done, but could not be written down: the disk takes nothing")
        rows = view.alarm_rows(self.board, self._kept.pages.told)
        return {"alarm": next(row for row in rows if row["name"] == name)}

    def _all(self, at: float) -> dict[str, Any]:
        """Return all alarms, incidents and messages."""
        told, texts = answer(self._now(), self.board, at), self._texts()
        rows = [{**row, "unseen_because": texts.get(row["name"], "")} for row in told["alarms"]]
        return {**told, "alarms": rows}

    def _judged(self, name: str, step: Callable[[], list[AlarmEvent]]) -> list[AlarmEvent]:
        if name not in self.board.entries_by_name:
            near = nearest_or_all(name, self.board.entries_by_name)
            raise NoSuchAlarmError(f"host {self._host!r} has no alarm {name!r}{near}")
        return step()

    def _test(self, request: Mapping[str, Any], at: float) -> dict[str, Any]:
        """Queue a test to a receiver, or to those of an alarm."""
        name, receiver = request.get("name"), request.get("receiver")
        if receiver is not None:
            if receiver not in self._keys.receivers:
                near = nearest_or_all(str(receiver), self._keys.receivers)
                raise NoSuchAlarmError(f"host {self._host!r} has no receiver {receiver!r}{near}")
            page = AlarmPage(PageKind.TEST, (str(receiver),), ())
        else:
            if name not in self.board.entries_by_name:
                near = nearest_or_all(str(name), self.board.entries_by_name)
                raise NoSuchAlarmError(f"host {self._host!r} has no alarm {name!r}{near}")
            tell = self.board.entries_by_name[str(name)].tell
            if not tell:
                raise AlarmRequestError(f"alarm {name!r} tells nobody; add receivers to its tell")
            page = AlarmPage(PageKind.TEST, tell, (str(name),))
        key = self._queue([page], at)
        self._keep(at)
        return {"key": key, "receivers": list(page.receivers)}

    def _take(self, events: Iterable[AlarmEvent], at: float, comment: str = "") -> None:
        events = list(events)
        rows = [
            {
                "at": each.notice.at,
                "event": _RECORDED[each.notice.kind],
                "reason": self._reason(each, comment),
                "by": each.notice.by,
            }
            for each in events
            if each.notice.kind in _RECORDED and not each.notice.recorded
        ]
        self._note(rows)
        pages, out = self._kept.pages.after(events, self.board, at)
        self._kept = replace(self._kept, pages=pages)
        self._queue(out, at)

    def _reason(self, event: AlarmEvent, comment: str) -> str:
        entry = self.board.entries_by_name[event.name]
        parts = [f"{event.name}: {entry.text or entry.when}"]
        if event.value is not None and event.notice.kind in {NoticeKind.RAISED, NoticeKind.CLEARED}:
            parts.append(f"value {event.value:g}")
        if event.notice.kind is NoticeKind.RAISED:
            parts.append(entry.severity.word)
            if event.notice.quiet:
                parts.append("silenced")
        until_at = self.board.alarms[event.name].silenced_until_at
        if event.notice.kind is NoticeKind.SILENCED and until_at is not None:
            parts.append(f"until {utc(until_at)}")
        return "; ".join(filter(None, (*parts, comment)))

    def _note(self, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            unrecorded = (*self._kept.unrecorded, *rows)[-MOST_UNRECORDED:]
            self._kept = replace(self._kept, unrecorded=unrecorded)

    def _queue(self, pages: Iterable[AlarmPage], at: float) -> str:
        """Queue messages; return the key of the last one."""
        key = ""
        for page in pages:
            self._kept = replace(self._kept, sequence=self._kept.sequence + 1)
            key = f"{self._kept.origin}-{self._kept.sequence}"
            told = content(page, self.board, self._host, self.links, at)
            told["thread"] = f"{self._kept.origin}-incident-{page.incident}"
            self._deliveries.queue(key, page.receivers, told, at)
        return key

    def _settle(self, at: float) -> None:
        rows, unhappy = self._deliveries.settle(at)
        self._kept = self._kept.over(rows)
        self._undeliverable(unhappy, at)

    def _undeliverable(self, messages: Iterable[AlarmMessage], at: float) -> None:
        self._note(
            [
                {
                    "at": at,
                    "event": UNDELIVERABLE_EVENT,
                    "reason": f"to {each.receiver}: {each.content['title']}: {each.reason}"
                    + "; it is tried again" * (not each.is_over),
                }
                for each in messages
            ]
        )

    def _now(self) -> KeptAlarms:
        return replace(self._kept, outbox=self._deliveries.outbox)

    def _keep(self, at: float) -> bool:
        """Write everything down, and return whether it is safe."""
        kept = replace(
            self._now(), board=self.board.to_json(), number=self._kept.number + 1, saved_at=at
        )
        if not self._write(kept):
            return False
        self._kept = self._saved = kept
        self._saved_phases = self._phases()
        self._deliveries.forget(self._tries_of_file)
        self._tries_of_file = kept.outbox
        return True

    def _keep_if_changed(self, at: float) -> None:
        now, saved = self._now(), self._saved
        happened = saved is None or _happened(now) != _happened(saved)
        is_due = saved is not None and at - saved.saved_at >= KEPT_EVERY_S
        if happened or (is_due and self._phases() != self._saved_phases):
            self._keep(at)

    def _phases(self) -> list[tuple[Any, ...]]:
        """Return what has to outlive this process although nothing has happened."""
        return [
            (each.phase, each.since_at, each.silenced_until_at, each.told_at)
            for each in self.board.alarms.values()
        ]


def _happened(kept: KeptAlarms) -> tuple[Any, ...]:
    return kept.pages, kept.outbox, kept.ended, kept.unrecorded, kept.sequence


def _until(request: Mapping[str, Any], at: float) -> float:
    """Return the end of a silence that somebody asks for [s, Unix time]."""
    for_s, until = request.get("for_s"), request.get("until")
    try:
        if for_s is not None:
            return at + float(for_s)
        if until is not None:
            return float(until)
    except (TypeError, ValueError) as error:
        raise UsageError(f"the end of the silence is no time: {error}") from error
    raise UsageError("say for how long: for_s, or until")
