"""The alarms of a host as people and programs see them: rows of JSON, and a summary."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ocsd.alarms.alarm import Alarm
from ocsd.alarms.board import AlarmBoard, AlarmEntry
from ocsd.alarms.conditions import PolledCondition
from ocsd.alarms.incident import Incident, Severity
from ocsd.alarms.outbox import AlarmMessage, MessageState

UNSEEN: Final = "unseen"
"""The state of an alarm for which nothing was judged yet, e.g. of a field that never came."""

GIVEN_UP_SHOWN_S: Final = 86400.0
"""Time for which a message that was given up counts in the summary [s]."""

NOTHING_AFTER_S: Final = 60.0
"""Time in which a new alarm should have been judged, if others could be [s]."""

Told = Mapping[int, Sequence[str]]
"""The receivers that were told of each incident, by its number."""


def alarm_rows(board: AlarmBoard, told: Told) -> list[dict[str, Any]]:
    """Return a row for each alarm of a board, in the order of the site file."""
    return [_row(board, entry, told) for entry in board.entries_by_name.values()]


def _row(board: AlarmBoard, entry: AlarmEntry, told: Told) -> dict[str, Any]:
    alarm = board.alarms[entry.name]
    incident = board.incidents.of(entry.name)
    number, names = None, list[str]()
    if incident is not None:
        number, names = incident.number, list(told.get(incident.number, ()))
    return {
        **alarm.to_json(),
        "name": entry.name,
        "severity": entry.severity.word,
        "text": entry.text or entry.when,
        "when": entry.when,
        "tell": list(entry.tell),
        "state": state_of(alarm),
        "since": alarm.since_at,
        "at": alarm.seen_at,
        "silenced_until": alarm.silenced_until_at,
        "incident": number,
        "told": names,
    }


def state_of(alarm: Alarm) -> str:
    """Return the state of an alarm in one word."""
    if alarm.seen_at is None and not alarm.is_raised:
        return UNSEEN
    return str(alarm.phase)


def without_anything(board: AlarmBoard, sampled_at: float, looked_at: float) -> list[str]:
    """Return the names of alarms for which there is nothing to judge: a name may be wrong.

    Parameters
    ----------
    sampled_at, looked_at : float
        When the newest message came, and the newest states of the host [s, Unix time]. If none
        come, it says nothing about the alarm.
    """
    found = []
    for name, entry in board.entries_by_name.items():
        is_polled = isinstance(entry.rule.condition, PolledCondition)
        newest_at = looked_at if is_polled else sampled_at
        alarm = board.alarms[name]
        begun_at = newest_at if alarm.begun_at is None else alarm.begun_at
        if alarm.seen_at is None and newest_at - begun_at >= NOTHING_AFTER_S:
            found.append(name)
    return found


def incident_rows(incidents: Iterable[Incident], told: Told) -> list[dict[str, Any]]:
    """Return a row for each incident that is not over."""
    return [
        {
            "number": each.number,
            "begun_at": each.begun_at,
            "last_at": each.last_at,
            "severity": each.severity.word,
            "causes": sorted(each.causes),
            "alarms": list(each.alarms),
            "raised": sorted(each.open),
            "told": list(told.get(each.number, ())),
        }
        for each in incidents
    ]


def delivery_row(message: AlarmMessage, at: float) -> dict[str, Any]:
    """Return the row of a message, whose last change was at a time [s, Unix time]."""
    content = message.content
    return {
        "key": message.key,
        "receiver": message.receiver,
        "kind": content.get("kind", ""),
        "title": content.get("title", ""),
        "incident": content.get("incident"),
        "state": str(message.state),
        "attempts": message.attempts,
        "queued_at": message.queued_at,
        "due_at": message.due_at,
        "at": at,
        "reason": message.reason,
    }


def summary(
    board: AlarmBoard, deliveries: Sequence[Mapping[str, Any]], at: float
) -> dict[str, Any]:
    """Return the figures of a board at a time [s, Unix time], for the status of the host."""
    raised = {name: alarm for name, alarm in board.alarms.items() if alarm.is_raised}
    worst = _worst(board, at)
    return {
        "rules": len(board.entries_by_name),
        "raised": len(raised),
        "acknowledged": sum(bool(alarm.acknowledged_by) for alarm in raised.values()),
        "silenced": sum(alarm.is_silenced(at) for alarm in board.alarms.values()),
        "waiting": sum(_waits(board, name, at) for name in raised),
        "unseen": len(board.unseen()),
        "worst": None if worst is None else worst.word,
        "undeliverable": sum(_is_given_up(row, at) for row in deliveries),
        "failing": sum(_is_failing(row) for row in deliveries),
        "since": _since(board, worst, at),
    }


def _waits(board: AlarmBoard, name: str, at: float) -> bool:
    """Whether a raised alarm is one that matters, and nobody has said that they know."""
    alarm = board.alarms[name]
    is_known = alarm.acknowledged_by or alarm.is_silenced(at)
    return not is_known and board.entries_by_name[name].severity is not Severity.INFO


def _since(board: AlarmBoard, worst: Severity | None, at: float) -> float | None:
    """Return since when an alarm of the worst severity is raised; of all if they are silenced."""
    entries = board.entries_by_name
    times = (
        alarm.raised_at or at
        for name, alarm in board.alarms.items()
        if alarm.is_raised
        and (worst is None or (entries[name].severity == worst and not alarm.is_silenced(at)))
    )
    return min(times, default=None)


def _worst(board: AlarmBoard, at: float) -> Severity | None:
    """Return the worst severity of what is raised and not silenced; None if nothing is."""
    entries = board.entries_by_name
    loud = [
        entries[name].severity
        for name, alarm in board.alarms.items()
        if alarm.is_raised and not alarm.is_silenced(at)
    ]
    if not loud:
        return None
    return max(loud)


def _is_given_up(row: Mapping[str, Any], at: float) -> bool:
    return row["state"] == MessageState.UNDELIVERABLE and bool(at - row["at"] < GIVEN_UP_SHOWN_S)


def _is_failing(row: Mapping[str, Any]) -> bool:
    over = {MessageState.DELIVERED, MessageState.UNDELIVERABLE}
    return bool(row["reason"]) and row["state"] not in over
