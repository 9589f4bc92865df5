"""All alarms of a host: takes in samples, states and requests, and says what has happened.

It keeps no files and asks for no time, so a test can replay a night in a moment. Whoever owns it
keeps `AlarmBoard.to_json` before it delivers anything, and gives it to the next one.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any, Final, NamedTuple

from ocsd.alarms import alarm as life
from ocsd.alarms.alarm import (
    Alarm,
    AlarmNotice,
    AlarmPhase,
    AlarmRequestError,
    Limits,
    NoticeKind,
)
from ocsd.alarms.conditions import (
    AlarmRule,
    FieldCondition,
    HostFacts,
    PolledCondition,
    SilenceCondition,
    ValueCondition,
)
from ocsd.alarms.incident import (
    Incident,
    Joined,
    OpenIncidents,
    Severity,
    incidents_from_json,
)
from ocsd.alarms.slope import Slope
from ocsd.text.nearest import nearest_or_all

PAUSE_S: Final = 60.0
"""Between two looks at the clock: it was set, or nobody looked [s]."""
SENDER_SET_S: Final = 30.0
"""Time for which all samples of a field are older than those before: its sender's clock was set
back [s]. What a sender fills in later comes between new samples.
"""


class AlarmEntry(NamedTuple):
    """An alarm as a site wants it."""

    name: str
    rule: AlarmRule
    severity: Severity = Severity.WARNING
    text: str = ""
    """The words for people; empty: the condition."""
    tell: tuple[str, ...] = ()
    """The names of those who are told."""
    remind_s: float = 0.0
    """Time after which they are told again, if nobody acknowledges it [s]; 0.0: never."""
    written: str = ""
    """The condition as the site file has it."""

    @property
    def when(self) -> str:
        """The condition in words."""
        return self.written or str(self.rule)

    @property
    def limits(self) -> Limits:
        """The times of its rule; for a silence, they are in the silence itself."""
        for_s = self.rule.for_s
        if isinstance(self.rule.condition, SilenceCondition):
            for_s = 0.0
        return Limits(for_s, self.remind_s)


class AlarmEvent(NamedTuple):
    """Something that has happened to an alarm: it is written down, and perhaps told."""

    name: str
    notice: AlarmNotice
    value: float | None = None
    incident: int | None = None
    """The number of its incident; None if it belongs to none."""
    tells: bool = False
    """Whether people are told now: others of its incident may have told them already."""


@dataclass(eq=False)
class AlarmBoard:
    """The alarms of a host.

    Parameters
    ----------
    entries : iterable of AlarmEntry
        The alarms of the site file; their names differ.
    begun_at : float
        Since when samples come in [s, Unix time]: no feed is silent for longer.
    kept : mapping
        The `to_json` of the board before; alarms that the site file has no more are forgotten.
    """

    entries: Iterable[AlarmEntry]
    begun_at: float
    kept: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._entries = {entry.name: entry for entry in self.entries}
        self._sources = {
            entry.rule.condition.source
            for entry in self._entries.values()
            if isinstance(entry.rule.condition, SilenceCondition)
        }
        told = self.kept.get("alarms", {})
        conditions = self.kept.get("conditions", {})
        self.alarms: dict[str, Alarm] = {
            name: life.kept(told.get(name, {}), conditions.get(name) in {None, str(entry.rule)})
            for name, entry in self._entries.items()
        }
        self.incidents: OpenIncidents = incidents_from_json(
            self.kept.get("incidents", {}), self._entries
        )
        self._slopes: dict[str, Slope] = {}
        self._old_since: dict[str, float] = {}
        self._now_at = inf
        self._ticked_at: float | None = None
        self._heard_at: dict[str, float] = {
            source: at
            for source, at in self.kept.get("heard", {}).items()
            if source in self._sources
        }
        self._by_field: defaultdict[str, list[tuple[AlarmEntry, FieldCondition]]]
        self._by_field = defaultdict(list)
        for entry in self._entries.values():
            condition = entry.rule.condition
            if isinstance(condition, FieldCondition):
                self._by_field[condition.field].append((entry, condition))

    def begin(self, at: float) -> None:
        """Begin to judge what is new, or has another condition, at a time [s, Unix time].

        It is about the present, although the journal is read from its beginning.
        """
        self.alarms = {name: life.begun(alarm, at) for name, alarm in self.alarms.items()}

    @property
    def entries_by_name(self) -> Mapping[str, AlarmEntry]:
        """The alarms of the site file, in their order."""
        return self._entries

    @property
    def fields(self) -> frozenset[str]:
        """The fields whose samples it needs, as ``INSTANCE.FEED.FIELD``."""
        return frozenset(self._by_field)

    def to_json(self) -> dict[str, Any]:
        """Return what the next board has to know."""
        return {
            "alarms": {name: alarm.to_json() for name, alarm in self.alarms.items()},
            "conditions": {name: str(entry.rule) for name, entry in self._entries.items()},
            "incidents": self.incidents.to_json(),
            "heard": dict(self._heard_at),
        }

    def unseen(self) -> list[str]:
        """Return the names of alarms that nothing was judged for yet, e.g. of a wrong field."""
        return [name for name, alarm in self.alarms.items() if alarm.seen_at is None]

    def heard(self, feed: str, at: float) -> None:
        """Take in that a message of a feed, ``INSTANCE.FEED``, came at a time [s, Unix time]."""
        self._now_at = at
        for source in (feed, feed.partition(".")[0]):
            if source in self._sources:
                self._heard_at[source] = max(at, self._heard_at.get(source, at))

    def sampled(
        self, name: str, times: Sequence[float], values: Sequence[float]
    ) -> list[AlarmEvent]:
        """Take in samples of a field, the oldest first, at times [s, Unix time].

        Those that are ahead of the newest message are taken as of its time: else all that come
        later would be too old.
        """
        if times and max(times) > self._now_at + life.SAMPLE_AHEAD_S:
            times = [min(at, self._now_at) for at in times]
        self._look_at_sender(name, times)
        return [
            event
            for entry, condition in self._by_field.get(name, ())
            for event in self._judge_all(entry, condition, times, values)
        ]

    def _look_at_sender(self, name: str, times: Sequence[float]) -> None:
        """Go on at the times of a sender whose clock was set back, once that is certain."""
        judged = [entry.name for entry, _ in self._by_field.get(name, ())]
        seen = [at for each in judged if (at := self.alarms[each].judged_at) is not None]
        # Before the first tick a journal is read again, with what was judged already.
        if not seen or not times or self._ticked_at is None or max(times) >= min(seen):
            self._old_since.pop(name, None)
        elif self._ticked_at - self._old_since.setdefault(name, self._ticked_at) >= SENDER_SET_S:
            del self._old_since[name]
            for each in judged:
                self.alarms[each] = life.behind(self.alarms[each], min(times))
                self._slopes.pop(each, None)

    def looked(self, facts: HostFacts, at: float) -> list[AlarmEvent]:
        """Take in the states of the host at a time [s, Unix time]."""
        events: list[AlarmEvent] = []
        for entry in self._entries.values():
            condition = entry.rule.condition
            if isinstance(condition, PolledCondition):
                events += self._judge(entry, condition.holds(facts), at)
        return events

    def ticked(self, at: float) -> list[AlarmEvent]:
        """Take in the time [s, Unix time]: about once a second."""
        self._look_at_clock(at)
        events: list[AlarmEvent] = []
        for entry in self._entries.values():
            condition = entry.rule.condition
            if isinstance(condition, SilenceCondition):
                events += self._judge(entry, self._is_silent(entry, condition, at), at)
            events += self._step(entry, life.ticked(self.alarms[entry.name], entry.limits, at))
        return events

    def _look_at_clock(self, at: float) -> None:
        """Give feeds their time anew if the clock was set: nobody knows how long each is silent."""
        before_at, self._ticked_at, self._now_at = self._ticked_at, at, at
        if before_at is None:
            return
        if at < before_at:
            self.clock_was_set(at)
        elif at - before_at > PAUSE_S:
            self.begun_at = at

    def clock_was_set(self, at: float) -> None:
        """Take in that the clock was set back to a time [s, Unix time].

        Otherwise nothing would be judged until the clock is again where it was.
        """
        self.alarms = {name: life.not_after(alarm, at) for name, alarm in self.alarms.items()}
        self._heard_at = {source: min(each, at) for source, each in self._heard_at.items()}
        self._slopes.clear()
        self.begun_at = min(self.begun_at, at)

    def acknowledge(self, name: str, by: str, at: float) -> list[AlarmEvent]:
        """Take in that a person knows of an alarm.

        Raises
        ------
        AlarmRequestError
            If there is no such alarm, or it is not raised, or acknowledged already.
        """
        return self._request(name, partial(life.acknowledged, by=by, at=at))

    def silence(self, name: str, by: str, until_at: float, at: float) -> list[AlarmEvent]:
        """Tell nobody of an alarm until a time [s, Unix time].

        Raises
        ------
        AlarmRequestError
            If there is no such alarm, or the time is not possible.
        """
        return self._request(name, partial(life.silenced, by=by, until_at=until_at, at=at))

    def unsilence(self, name: str, by: str, at: float) -> list[AlarmEvent]:
        """End the silence of an alarm.

        Raises
        ------
        AlarmRequestError
            If there is no such alarm, or it is not silenced.
        """
        return self._request(name, partial(life.unsilenced, by=by, at=at))

    def _request(self, name: str, step: Callable[[Alarm], life.Step]) -> list[AlarmEvent]:
        entry = self._entries.get(name)
        if entry is None:
            raise AlarmRequestError(
                f"there is no alarm {name!r}{nearest_or_all(name, self._entries)}"
            )
        try:
            return [*self._step(entry, step(self.alarms[name]))]
        except AlarmRequestError as error:
            raise AlarmRequestError(f"alarm {name!r}: {error}") from error

    def _holds(self, name: str, condition: FieldCondition, at: float, value: float) -> bool | None:
        if isinstance(condition, ValueCondition):
            return condition.holds(value, self.alarms[name].is_raised)
        slope = self._slopes.get(name) or Slope(condition.over_s)
        self._slopes[name], rate = slope.after(at, value)
        return condition.holds(rate)

    def _is_silent(self, entry: AlarmEntry, condition: SilenceCondition, at: float) -> bool:
        """Return whether a feed is silent; only a message of it ends a silence that was raised."""
        heard_at = self._heard_at.get(condition.source, -inf)
        raised_at = self.alarms[entry.name].raised_at
        if raised_at is not None and heard_at <= raised_at:
            return True
        return at - max(heard_at, self.begun_at) >= entry.rule.for_s

    def _judge_all(
        self,
        entry: AlarmEntry,
        condition: FieldCondition,
        times: Sequence[float],
        values: Sequence[float],
    ) -> Iterator[AlarmEvent]:
        """Judge samples; of those in a row that change nothing only the newest, which is faster."""
        idle: tuple[bool, float, float] | None = None
        for at, value in zip(times, values, strict=True):
            holds = self._holds(entry.name, condition, at, value)
            if holds is None:
                continue
            alarm = self.alarms[entry.name]
            if holds is alarm.is_raised and alarm.phase is not AlarmPhase.PENDING:
                if idle is None or at >= idle[1]:
                    idle = holds, at, value
                continue
            if idle is not None:
                yield from self._judge(entry, *idle)
                idle = None
            yield from self._judge(entry, holds, at, value)
        if idle is not None:
            yield from self._judge(entry, *idle)

    def _judge(
        self, entry: AlarmEntry, holds: bool | None, at: float, value: float | None = None
    ) -> Iterator[AlarmEvent]:
        step = life.observed(self.alarms[entry.name], entry.limits, holds, at, value)
        yield from self._step(entry, step)

    def _step(self, entry: AlarmEntry, step: life.Step) -> Iterator[AlarmEvent]:
        self.alarms[entry.name], notices = step
        value = self.alarms[entry.name].value
        for notice in notices:
            number, tells = None, False
            if not notice.quiet:
                number, tells = self._joined(entry, notice)
            yield AlarmEvent(entry.name, notice, value, number, tells)

    def _joined(self, entry: AlarmEntry, notice: AlarmNotice) -> tuple[int | None, bool]:
        """Return the number of the incident of a notice, and whether people are told."""
        joined: Joined | None = None
        match notice.kind:
            case NoticeKind.RAISED:
                self.incidents, joined = self.incidents.raised(
                    entry.name, entry.rule.condition.cause, entry.severity, notice.at
                )
                joined = self._as_news(entry.name, joined, notice.at)
            case NoticeKind.CLEARED:
                self.incidents, joined = self.incidents.cleared(entry.name)
                if joined is not None and not self._is_loud(joined.incident.alarms, notice.at):
                    joined = joined._replace(tells=False)
            case _:
                joined = self._standing(entry.name, notice)
        if joined is None:
            # Its incident was not kept; who was told of the alarm hears its end all the same.
            tells = notice.kind is NoticeKind.CLEARED and self._is_loud([entry.name], notice.at)
            return None, tells
        return joined.incident.number, joined.tells

    def _is_loud(self, names: Iterable[str], at: float) -> bool:
        """Return whether any of some alarms is not silenced."""
        return any(not self.alarms[name].is_silenced(at) for name in names if name in self.alarms)

    def _as_news(self, name: str, joined: Joined, at: float) -> Joined:
        """Tell an alarm that joins an incident of which people have acknowledged all else."""
        others = [each for each in self._waiting(joined.incident, at) if each != name]
        return joined._replace(tells=joined.tells or not others)

    def _standing(self, name: str, notice: AlarmNotice) -> Joined | None:
        """Return the incident that an alarm is part of, and whether it speaks for all of it.

        One reminder is enough: that of the alarm which reminds most often.
        """
        incident = self.incidents.of(name)
        if incident is None:
            return None
        tells = False
        if notice.kind is NoticeKind.REMINDED:
            remind_s = {
                each: self._entries[each].remind_s for each in self._waiting(incident, notice.at)
            }
            reminding = filter(remind_s.get, remind_s)
            tells = min(reminding, key=remind_s.__getitem__, default=None) == name
        return Joined(incident, tells)

    def _waiting(self, incident: Incident, at: float) -> list[str]:
        """Return the alarms of an incident that wait for a person, the oldest first."""
        return [
            name
            for name in incident.alarms
            if name in incident.open
            and not self.alarms[name].acknowledged_by
            and not self.alarms[name].is_silenced(at)
        ]
