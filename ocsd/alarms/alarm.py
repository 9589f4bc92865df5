"""The life of an alarm: clear, pending, raised, and clear again.

Whoever knows feeds it samples and requests; it answers with the next state, and with notices,
which are written down and, unless they are quiet, delivered.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final, NamedTuple

from ocsd.errors import OcsdError

_PAST: Final = ("begun_at", "since_at", "raised_at", "told_at", "seen_at", "acknowledged_at")
"""The times of an alarm that have been."""

LONGEST_SILENCE_S: Final = 366 * 86400.0
"""Longest silence that somebody can ask for [s]."""


SAMPLE_AHEAD_S: Final = 10.0
"""A time that is further ahead comes from a clock that is, or was, wrong [s]."""


class AlarmRequestError(OcsdError):
    """A request for an alarm cannot be carried out; the message says why."""


class AlarmPhase(StrEnum):
    """The state of an alarm."""

    CLEAR = "clear"
    PENDING = "pending"
    """Its condition holds, but not for long enough yet."""
    RAISED = "raised"


class NoticeKind(StrEnum):
    """The kinds of notices, each of which is on record."""

    RAISED = "raised"
    CLEARED = "cleared"
    ACKNOWLEDGED = "acknowledged"
    SILENCED = "silenced"
    UNSILENCED = "unsilenced"
    REMINDED = "reminded"


class AlarmNotice(NamedTuple):
    """An event in the life of an alarm."""

    kind: NoticeKind
    at: float
    """Its time [s, Unix time]; of a sample, if one is the reason."""
    by: str = ""
    """The person; empty if nobody asked for it."""
    quiet: bool = False
    """Whether it is only written down: the alarm is silenced."""
    recorded: bool = False
    """Whether it is written down already: people are told now of what was raised in silence."""


class Limits(NamedTuple):
    """The times of a rule [s]."""

    for_s: float = 0.0
    """Time for which the condition has to hold."""
    remind_s: float = 0.0
    """Time after which a raised alarm that nobody acknowledged is told again; 0.0: never."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """The state of an alarm; all times are Unix times [s], None where there is none."""

    phase: AlarmPhase = AlarmPhase.CLEAR
    begun_at: float | None = None
    """When its rule was taken into use: nothing older is judged."""
    since_at: float | None = None
    """Since when its condition holds."""
    raised_at: float | None = None
    told_at: float | None = None
    """When it was last given to somebody to deliver."""
    seen_at: float | None = None
    """Time of the newest sample that was judged."""
    value: float | None = None
    """The value of that sample, if it has one."""
    acknowledged_by: str = ""
    acknowledged_at: float | None = None
    silenced_by: str = ""
    silenced_until_at: float | None = None

    @property
    def judged_at(self) -> float | None:
        """The time from which on samples are judged."""
        return self.begun_at if self.seen_at is None else self.seen_at

    @property
    def is_raised(self) -> bool:
        """Whether it is raised."""
        return self.phase is AlarmPhase.RAISED

    def is_silenced(self, at: float) -> bool:
        """Return whether it is silenced at a time [s, Unix time]."""
        return self.silenced_until_at is not None and at < self.silenced_until_at

    def to_json(self) -> dict[str, Any]:
        """Return it for a file: `from_json` reads it."""
        return asdict(self)


Step = tuple[Alarm, tuple[AlarmNotice, ...]]
"""The next state, and what there is to tell."""


def from_json(told: Mapping[str, Any]) -> Alarm:
    """Return an alarm that `Alarm.to_json` has written; keys of other releases are left out."""
    known = {each.name for each in fields(Alarm)}
    alarm = Alarm(**{key: value for key, value in told.items() if key in known})
    return replace(alarm, phase=AlarmPhase(alarm.phase))


def kept(told: Mapping[str, Any], is_same: bool) -> Alarm:
    """Return an alarm that was kept; of one with another condition now what people have to do with.

    It stays raised until its new condition is judged, because people wait for its end.
    """
    alarm = from_json(told)
    if is_same:
        return alarm
    if alarm.is_raised:
        return replace(alarm, begun_at=None, seen_at=None, value=None)
    return Alarm(silenced_by=alarm.silenced_by, silenced_until_at=alarm.silenced_until_at)


def begun(alarm: Alarm, at: float) -> Alarm:
    """Begin to judge it at a time [s, Unix time], unless that has begun before."""
    if alarm.judged_at is not None:
        return alarm
    return replace(alarm, begun_at=at)


def not_after(alarm: Alarm, at: float) -> Alarm:
    """Return it with times that are not after a time, to which the clock was set back."""
    past = {name: getattr(alarm, name) for name in _PAST}
    return replace(
        alarm, **{name: min(time, at) for name, time in past.items() if time is not None}
    )


def _not_ahead(alarm: Alarm, at: float) -> Alarm:
    if any((getattr(alarm, name) or at) > at + SAMPLE_AHEAD_S for name in _PAST):
        return not_after(alarm, at)
    return alarm


def behind(alarm: Alarm, at: float) -> Alarm:
    """Return it for samples that go on at a time [s, Unix time]: their clock was set back."""
    if alarm.judged_at is None or at >= alarm.judged_at:
        return alarm
    if alarm.seen_at is None:
        return replace(alarm, begun_at=at)
    since_at = alarm.since_at
    if alarm.phase is AlarmPhase.PENDING and since_at is not None:
        since_at = min(since_at, at)
    return replace(alarm, seen_at=at, since_at=since_at)


def observed(
    alarm: Alarm, limits: Limits, holds: bool | None, at: float, value: float | None = None
) -> Step:
    """Take in a sample, or a look at states.

    Parameters
    ----------
    holds : bool or None
        Whether the condition holds for it. None changes nothing: the sample is no number, or
        nothing is known. Silence is a condition of its own.
    at : float
        Its time [s, Unix time]. One that is older than the newest that was judged is left out:
        it came late, and the alarm is about the present.
    """
    if holds is None or (alarm.judged_at is not None and at < alarm.judged_at):
        return alarm, ()
    seen = replace(alarm, seen_at=at, value=value)
    if not holds:
        return _passed(seen, at)
    if alarm.is_raised:
        return seen, ()
    if seen.since_at is None:
        seen = replace(seen, phase=AlarmPhase.PENDING, since_at=at)
    if seen.since_at is not None and at - seen.since_at < limits.for_s:
        return seen, ()
    return _raised(seen, at)


def _passed(alarm: Alarm, at: float) -> Step:
    """Return the alarm when its condition does not hold any more."""
    over = replace(
        alarm,
        phase=AlarmPhase.CLEAR,
        since_at=None,
        raised_at=None,
        told_at=None,
        acknowledged_by="",
        acknowledged_at=None,
    )
    if not alarm.is_raised:
        return over, ()
    # Nobody hears the end of what nobody was told.
    return over, (AlarmNotice(NoticeKind.CLEARED, at, quiet=alarm.told_at is None),)


def _raised(alarm: Alarm, at: float) -> Step:
    quiet = alarm.is_silenced(at)
    told_at = None if quiet else at
    raised = replace(alarm, phase=AlarmPhase.RAISED, raised_at=at, told_at=told_at)
    return raised, (AlarmNotice(NoticeKind.RAISED, at, quiet=quiet),)


def ticked(alarm: Alarm, limits: Limits, at: float) -> Step:
    """Take in the time: silences end, and what nobody acknowledged is told again."""
    alarm = _not_ahead(alarm, at)
    notices: tuple[AlarmNotice, ...] = ()
    if alarm.silenced_until_at is not None and at >= alarm.silenced_until_at:
        alarm = replace(alarm, silenced_until_at=None, silenced_by="")
        notices = (AlarmNotice(NoticeKind.UNSILENCED, at, quiet=True),)
    if not alarm.is_raised or alarm.acknowledged_by or alarm.is_silenced(at):
        return alarm, notices
    notice = AlarmNotice(NoticeKind.REMINDED, at)
    if alarm.told_at is None:
        # It was raised in silence, and nobody knows of it.
        notice = AlarmNotice(NoticeKind.RAISED, at, recorded=True)
    elif not limits.remind_s or at - alarm.told_at < limits.remind_s:
        return alarm, notices
    return replace(alarm, told_at=at), (*notices, notice)


def acknowledged(alarm: Alarm, by: str, at: float) -> Step:
    """Take in that a person knows of it: it is not told again until it has been clear.

    Raises
    ------
    AlarmRequestError
        If it is not raised, or somebody has acknowledged it already.
    """
    if not alarm.is_raised:
        is_unseen = alarm.phase is AlarmPhase.CLEAR and alarm.seen_at is None
        word = "unseen" if is_unseen else alarm.phase
        raise AlarmRequestError(f"it is {word}; only a raised alarm can be acknowledged")
    if alarm.acknowledged_by:
        raise AlarmRequestError(f"{alarm.acknowledged_by} has acknowledged it already")
    known = replace(alarm, acknowledged_by=by, acknowledged_at=at)
    return known, (AlarmNotice(NoticeKind.ACKNOWLEDGED, at, by, quiet=alarm.told_at is None),)


def silenced(alarm: Alarm, by: str, until_at: float, at: float) -> Step:
    """Deliver nothing of it until a time [s, Unix time]; it is still judged and written down.

    Its end is not told either, unless it is that of an incident in which others are not silenced.

    Raises
    ------
    AlarmRequestError
        If the time is over already, or more than a year away.
    """
    if not 0 < until_at - at <= LONGEST_SILENCE_S:
        raise AlarmRequestError(
            f"a silence of {_amount(until_at - at)} is not possible; choose more than 0 s, and at "
            f"most {_amount(LONGEST_SILENCE_S)}"
        )
    quiet = replace(alarm, silenced_by=by, silenced_until_at=until_at)
    return quiet, (AlarmNotice(NoticeKind.SILENCED, at, by, quiet=True),)


def _amount(time_s: float) -> str:
    if abs(time_s) < 2 * 86400.0:
        return f"{time_s:.0f} s"
    return f"{time_s / 86400.0:.0f} days"


def unsilenced(alarm: Alarm, by: str, at: float) -> Step:
    """End a silence.

    Raises
    ------
    AlarmRequestError
        If there is none.
    """
    if not alarm.is_silenced(at):
        raise AlarmRequestError("it is not silenced")
    heard = replace(alarm, silenced_by="", silenced_until_at=None)
    return heard, (AlarmNotice(NoticeKind.UNSILENCED, at, by, quiet=True),)
