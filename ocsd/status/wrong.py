"""The list of what is wrong with a host, the worst first, each with its remedy."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from ocsd.status.headlines import (
    PLAIN,
    alarm_lines,
    clock_text,
    lost_text,
    operation_text,
    recording_lines,
)
from ocsd.status.reasons import reason_line
from ocsd.status.replies import ROUTER, HostStatus, InstanceStatus
from ocsd.status.verdict import HostVerdict
from ocsd.text.printable import one_line


class Wrong(NamedTuple):
    """One thing that is wrong."""

    what: str
    """The thing and its condition, e.g. ``thermo1 is failed``."""
    instance_id: str | None
    """The instance; ``router``, or None for the host."""
    reason: str
    since_at: float | None
    """Since when, if that is known [Unix s]."""
    remedy: str
    """The next step."""


_REMEDIES: Final = {
    "failed": "mend that, then: ocsd up {name}",
    "backoff": "it is tried again by itself; the end of its log: ocsd logs {name}",
    "starting": "if it lasts: ocsd why {name}",
    "stopping": "it is ended by force if it does not end by itself",
    "down": "ocsd up {name}",
    "hung": "it is examined and restarted if that lasts: ocsd why {name}",
    "degraded": "its log may tell more: ocsd logs {name}",
    "unstable": "what ended it, each time: ocsd why {name}",
}
_WHY: Final = "ocsd why {name}"


def wrong_of(report: HostStatus, verdict: HostVerdict, at: str = "") -> list[Wrong]:
    """Return what is wrong, the worst first; empty if the verdict is ok and nothing was lost.

    Commands among the next steps are for this host; for another one, `at` is its name and a colon.
    """
    if report.stopping:
        # All instances leave their target states, as they should.
        return [_stopping(at), *_of_host(report, at)]
    return [
        *_of_host(report, at),
        *_of_alarms(report, at),
        *(_of_instance(each, each.state, at) for each in verdict.astray),
        *_of_recording(report, verdict),
        *(_of_instance(each, each.health or each.state, at) for each in verdict.ailing),
        *_of_operations(verdict),
        *_of_surroundings(report, at),
    ]


def _command(*words: str) -> str:
    return " ".join(filter(None, ("ocsd", *words)))


def _stopping(at: str) -> Wrong:
    return Wrong(
        "the host is being stopped",
        None,
        f"somebody asked for it: {_command('history', at)}",
        None,
        "when it is over, there: ocsd start" if at else "when it is over: ocsd start",
    )


def _of_host(report: HostStatus, at: str) -> Iterator[Wrong]:
    if report.trouble:
        remedy = f"its log may tell more: ocsd logs {at}ocsd"
        yield Wrong("the daemon has trouble", None, one_line(report.trouble), None, remedy)
    router = report.router
    if not router.works and not report.stopping:
        what = f"the router is {router.word}"
        yield Wrong(what, ROUTER, one_line(router.reason or ""), None, f"ocsd why {at}router")


def _of_alarms(report: HostStatus, at: str) -> Iterator[Wrong]:
    alarms = report.alarms
    if alarms is None or not (alarms.wait or alarms.undeliverable or alarms.nothing):
        return
    for what, *parts, _ in alarm_lines(alarms, PLAIN):
        yield Wrong(what, None, ", ".join(parts), alarms.since, _command("alarm list", at))


def _of_instance(instance: InstanceStatus, word: str, at: str) -> Wrong:
    name = instance.instance_id
    remedy = _REMEDIES.get(word, _WHY).format(name=f"{at}{name}")
    reason = reason_line(instance)
    return Wrong(f"{name} is {word}", name, reason, instance.since_at, remedy)


def _of_recording(report: HostStatus, verdict: HostVerdict) -> Iterator[Wrong]:
    for each in verdict.idle:
        name = each.instance_id
        for first, *_ in recording_lines(each, None, PLAIN):
            what, _, reason = first.partition(": ")
            yield Wrong(what, name, reason, None, f"ocsd call {name} record start")
            break


def _of_operations(verdict: HostVerdict) -> Iterator[Wrong]:
    for instance in verdict.lacking:
        name = instance.instance_id
        for each in instance.lacks:
            if not each.is_missed:
                continue
            remedy = f"ocsd call {name} {each.name} start"
            text = operation_text(each)
            yield Wrong(f"{each.name} of {name} {each.state}", name, text, each.since_at, remedy)


def _of_surroundings(report: HostStatus, at: str) -> Iterator[Wrong]:
    for disk in report.disks:
        if disk.warning:
            what, _, rest = disk.warning.partition(": ")
            remedy = f"free some of it: {_command('data', at, 'ls')} shows what is recorded"
            yield Wrong(one_line(what), None, one_line(rest), None, remedy)
    for instance in report.instances:
        told = instance.recording
        if told is not None and told.lost_holes:
            what, _, rest = lost_text(told).partition(": ")
            yield Wrong(what, instance.instance_id, rest, None, _command("data", at, "gaps"))
    clock = report.clock
    if clock is not None and not clock.synchronised:
        yield Wrong("the clock", None, clock_text(clock), None, "let chrony or ntpd keep it")
