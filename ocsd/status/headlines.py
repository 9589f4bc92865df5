"""The lines above the table: the verdict, the recording, holes, operations, the clock."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from ocsd.status.activity import ClockStatus, OperationStatus, RecordingStatus
from ocsd.status.replies import HostStatus, InstanceStatus
from ocsd.status.verdict import HostVerdict, HostWord
from ocsd.text import times, units
from ocsd.text.plural import plural
from ocsd.text.printable import one_line

if TYPE_CHECKING:
    from ocsd.status.alarms import AlarmCounts

# More names than this would make a line too long; the table has them all.
_NAMES_IN_LINE: Final = 5
_CLOCK_LIMIT_S: Final = 0.1
"""Offset of the clock from which on it gets a line of its own [s]."""


class Style(Protocol):
    """The marks of words that stand out: those of a terminal, or none."""

    def styled(self, text: str, word: str) -> str:
        """Return `text` in the colour that belongs to a state, health or verdict `word`."""

    def bold(self, text: str) -> str:
        """Return `text` in bold type."""


class Plain:
    """No marks at all."""

    def styled(self, text: str, _word: str) -> str:
        """Return `text`."""
        return text

    def bold(self, text: str) -> str:
        """Return `text`."""
        return text


PLAIN: Final = Plain()

Parts = list[str]
"""The parts of one line, with a dot between each two."""


def headlines(report: HostStatus, verdict: HostVerdict, screen: Style) -> list[Parts]:
    """Return the lines above the table; a screen that is too narrow wraps them between parts."""
    lines = [verdict_parts(report, verdict, screen)]
    if report.trouble:
        lines.append([f"trouble: {one_line(report.trouble)}"])
    lines += alarm_lines(report.alarms, screen)
    lines += _router(report)
    lines += _of_data(report, screen)
    lines += _warnings(report)
    if verdict.lacking:
        lines.append([_operations(verdict.lacking)])
    if old := [each.instance_id for each in report.instances if each.old_code]:
        lines.append([f"run on with the code of before the upgrade: {listed(old)}"])
    if changed := [_changed(each) for each in report.instances if each.changed_code]:
        lines.append([f"code changed since they were started: {listed(changed)}"])
    return lines + _clock(report.clock)


def _of_data(report: HostStatus, screen: Style) -> Iterator[Parts]:
    """Yield the lines about what is recorded, and written to databases."""
    for instance in report.instances:
        if instance.records:
            yield from recording_lines(instance, full_in_s(report), screen)
    yield from filter(None, (writing_parts(each, screen) for each in report.instances))


def _warnings(report: HostStatus) -> list[Parts]:
    """Return a line for each disk that fills, and each warning about recorders and access."""
    of_disks = [disk.warning for disk in report.disks if disk.warning]
    return [[one_line(each)] for each in (*of_disks, *report.recorders, *report.access.warnings)]


def alarm_lines(alarms: "AlarmCounts | None", screen: Style) -> list[Parts]:
    """Return the line about alarms; none if it has nothing to say."""
    if alarms is None:
        return []
    troubles = []
    if not alarms.are_judged:
        words = screen.styled("alarms are not judged", "attention")
        troubles.append(f"{words}: {one_line(alarms.evaluator)}")
    if alarms.failing:
        troubles.append(f"{plural(alarms.failing, 'message')} not delivered yet")
    if alarms.undeliverable:
        words = f"{plural(alarms.undeliverable, 'message')} undeliverable"
        troubles.append(screen.styled(words, "attention"))
    if alarms.nothing:
        troubles.append(_without_anything(alarms.nothing))
    if not (alarms.raised or troubles):
        return []
    return [[*_raised(alarms, screen), *troubles, "see: ocsd alarm list"]]


def _without_anything(names: Sequence[str]) -> str:
    verb = "has" if len(names) == 1 else "have"
    doubt = " (wrong name?)" * (not all(each.endswith(")") for each in names))
    what = one_line(listed(names))
    return f"{plural(len(names), 'alarm')} {verb} nothing to judge: {what}{doubt}"


def _raised(alarms: "AlarmCounts", screen: Style) -> Parts:
    if not alarms.raised:
        return []
    raised = f"{plural(alarms.raised, 'alarm')} raised"
    if alarms.wait:
        raised = screen.styled(raised, "attention")
    facts = " ".join(filter(None, (alarms.worst, _since(alarms.since))))
    known = {"acknowledged": alarms.acknowledged, "silenced": alarms.silenced}
    return [
        f"{raised} ({facts})",
        *(f"{number} {word}" for word, number in known.items() if number),
    ]


def _since(unix_time_s: float | None) -> str:
    if unix_time_s is None:
        return ""
    return f"since{_at(unix_time_s)}"


def _changed(instance: InstanceStatus) -> str:
    return f"{instance.instance_id} ({one_line(instance.changed_code)})"


def _router(report: HostStatus) -> list[Parts]:
    """Return the line about a router that does not work."""
    router = report.router
    if router.state == "starting":
        return [[_starting(report)]]
    if router.reason and not router.works:
        return [[f"router: {one_line(router.reason)}"]]
    return []


def _clock(clock: ClockStatus | None) -> list[Parts]:
    """Return the line about a clock that is off."""
    if clock is None or (clock.synchronised and (clock.offset_s or 0.0) <= _CLOCK_LIMIT_S):
        return []
    return [[clock_text(clock)]]


def verdict_parts(report: HostStatus, verdict: HostVerdict, screen: Style) -> Parts:
    """Return the line that says whether there is anything to do."""
    word = screen.styled(str(verdict.word), _COLOUR_WORDS.get(verdict.word, ""))
    parts = [word, counts(report.instances)]
    if verdict.word is HostWord.NOTHING_RUNS:
        parts = [f"{word}: {counts(report.instances)}"]
    if verdict.astray:
        names = listed([f"{each.instance_id} {each.state}" for each in verdict.astray])
        parts.append(f"{len(verdict.astray)} not in target state ({names})")
    if verdict.ailing:
        words = [f"{each.instance_id} {each.health or each.state}" for each in verdict.ailing]
        names = listed(words)
        parts.append(f"{len(verdict.ailing)} not healthy ({names})")
    parts.append(f"router {screen.styled(report.router.word, report.router.word)}")
    parts[0] = f"{screen.bold(report.host)}: {parts[0]}"
    return parts


_COLOUR_WORDS: Final = {
    HostWord.OK: "ok",
    HostWord.DEGRADED: "degraded",
    HostWord.NOTHING_RUNS: "degraded",
    HostWord.ATTENTION: "attention",
    HostWord.STOPPING: "stopping",
}


def counts(instances: Iterable[InstanceStatus]) -> str:
    """Return how many instances are in each state, e.g. ``51 up, 1 backoff``."""
    by_state = Counter(instance.state for instance in instances)
    # `up` comes first, because operators search for it.
    words = sorted(by_state, key=lambda state: (state != "up", state))
    return ", ".join(f"{by_state[word]} {word}" for word in words) or "no instances"


def listed(names: Sequence[str]) -> str:
    """Return some names, and how many more there are."""
    shown = ", ".join(names[:_NAMES_IN_LINE])
    more = len(names) - _NAMES_IN_LINE
    if more > 0:
        return f"{shown} and {more} more"
    return shown


def full_in_s(report: HostStatus) -> float | None:
    """Return the time until the disk of the data is full [s]; None if it does not fill."""
    for disk in report.disks:
        if "data" in disk.what:
            return disk.full_in_s
    return None


def recording_lines(
    aggregator: InstanceStatus, full_in_s: float | None, screen: Style
) -> Iterator[Parts]:
    """Yield the lines about the recording of an aggregator, whose disk is full in `full_in_s`."""
    name, told = aggregator.instance_id, aggregator.recording
    if aggregator.state != "up":
        yield [f"{screen.styled('nothing is recorded', 'attention')}: {name} is {aggregator.state}"]
        return
    if told is None:
        yield [f"recording: {name} does not tell"]
        return
    if told.paused:
        yield [f"{screen.styled('recording pauses', 'attention')}: {one_line(_after_colon(told))}"]
    elif told.recording:
        yield [*_progress(told), *disk_parts(told, full_in_s)]
    else:
        why = _why_idle(aggregator)
        yield [f"{screen.styled('nothing is recorded', 'attention')}: {why}"]
    if told.lost_holes:
        yield [lost_text(told)]


def writing_parts(writer: InstanceStatus, screen: Style) -> Parts:
    """Return the parts of the line about a writer to a database; none if it is none, or is down."""
    told = writer.writing
    if told is None or writer.state != "up":
        return []
    name, database = writer.instance_id, one_line(told.database)
    parts = [f"{name} writes to {database}"]
    if not told.connected:
        parts = [f"{screen.styled(f'{name} cannot write', 'attention')} to {database}"]
    if told.lag_s is not None:
        parts.append(f"complete up to {units.duration(told.lag_s)} ago")
    if told.backlog_bytes:
        parts.append(f"{units.memory(told.backlog_bytes)} left")
    if told.refused:
        parts.append(f"{plural(told.refused, 'line')} refused")
    if told.dropped:
        parts.append(f"{plural(told.dropped, 'message')} dropped")
    return parts


def _starting(report: HostStatus) -> str:
    waiting = sum(each.state == "starting" for each in report.instances)
    parts = [f"router still starts ({units.duration(report.router.uptime_s or 0.0)})"]
    if reason := one_line(report.router.reason or "").removeprefix("reactor: "):
        parts = [f"{parts[0]}: {reason}"]
    if waiting:
        parts.append(f"{plural(waiting, 'instance')} not up yet")
    return "; ".join(parts)


def _after_colon(told: RecordingStatus) -> str:
    return told.trouble.removeprefix("recording pauses: ")


def _progress(told: RecordingStatus) -> Parts:
    feeds = f"recording {plural(told.feeds, 'feed')}"
    if told.only_of_host:
        feeds += " of this host"
    if told.stale:
        feeds += f" ({told.stale} more silent)"
    parts = [feeds, "no sample yet"]
    if told.age_s is not None:
        parts[-1] = f"last sample {units.duration(told.age_s)} ago"
    if told.elsewhere_feeds:
        there = plural(told.elsewhere_feeds, "feed"), plural(len(told.elsewhere_hosts), "host")
        parts.insert(1, f"{there[0]} of {there[1]} recorded there")
    if told.file:
        parts.append(told.file)
    return parts


def disk_parts(told: RecordingStatus, full_in_s: float | None) -> Parts:
    """Return how full the disk of the data folder is, and when it will be."""
    if told.disk_free_bytes is None or not told.disk_total_bytes:
        return []
    free = 100 * told.disk_free_bytes / told.disk_total_bytes
    text = f"disk {free:.0f} % free ({units.memory(told.disk_free_bytes)})"
    if full_in_s is not None:
        text += f", full in {units.duration(full_in_s)}"
    return [text]


def lost_text(told: RecordingStatus) -> str:
    """Return the losses of the last day."""
    holes = plural(told.lost_holes, "hole")
    messages = ""
    if told.lost_messages:
        messages = f", {plural(told.lost_messages, 'message')}"
    feeds = plural(told.lost_feeds, "feed")
    return f"lost in the last day: {holes} in {feeds}{messages}; see: ocsd data gaps"


def _why_idle(aggregator: InstanceStatus) -> str:
    name = aggregator.instance_id
    for operation in aggregator.operations:
        if operation.name == "record":
            again = f"ocsd call {name} record start"
            return f"{name}: {operation_text(operation)}; {again}"
    return (
        f"{name} was not told to; ocsd call {name} record start, and for good: "
        "--initial-state record among its arguments"
    )


def operation_text(operation: OperationStatus) -> str:
    """Return an operation, its state and the reason, e.g. ``acq stopped 21:16:03Z by a client``."""
    if operation.in_flight:
        return f"{operation.name} {operation.state}"
    text = f"{operation.name} {operation.state}{_at(operation.since_at)}"
    if operation.reason and operation.state == "stopped":
        return f"{text} by {one_line(operation.reason)}"
    if operation.reason:
        return f"{text}: {one_line(operation.reason)}"
    return text


def _at(unix_time_s: float) -> str:
    """Return a time of day, to the second; nothing if the calendar has no such time."""
    try:
        return f" {times.clock(unix_time_s).partition('.')[0]}Z"
    except (ValueError, OverflowError, OSError):
        return ""


def _operations(lacking: Sequence[InstanceStatus]) -> str:
    """Return the operations that were stopped or failed, of all instances."""
    names = [
        f"{instance.instance_id} {operation_text(operation)}"
        for instance in lacking
        for operation in instance.lacks
    ]
    return f"stopped or failed: {plural(len(names), 'operation')} ({listed(names)})"


def clock_text(clock: ClockStatus) -> str:
    """Return how far the clock is off."""
    if not clock.synchronised or clock.offset_s is None:
        return f"clock not synchronised ({clock.source})"
    return f"clock {_offset(clock.offset_s)} off ({clock.source})"


def _offset(offset_s: float) -> str:
    if offset_s >= 1:
        return f"{offset_s:.1f} s"
    return f"{offset_s * 1000:.1f} ms"
