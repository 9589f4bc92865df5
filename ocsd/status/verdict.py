"""The verdict on a host: whether there is anything to do, and about what."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, NamedTuple

from ocsd.status.activity import RecordingStatus
from ocsd.status.replies import HostStatus, InstanceStatus

NOT_IN_TARGET_EXIT: Final = 3
NOT_WELL_EXIT: Final = 5

_BROKEN: Final = frozenset({"backoff", "failed"})
PAGE_START_LIMIT_S: Final = 15.0
"""Time after which a page that still starts, e.g. because no port is free, is not well [s]."""


class HostWord(StrEnum):
    """The verdict in a word, the worst last."""

    OK = "ok"
    DEGRADED = "degraded"
    """All is where it should be, but something does not do well."""
    NOTHING_RUNS = "nothing runs"
    """Everything was put down on purpose."""
    ATTENTION = "attention"
    """An instance is not in its target state, or the router does not work."""
    STOPPING = "stopping"
    """The host is being stopped."""


class HostVerdict(NamedTuple):
    """The verdict on a host, and what it rests on."""

    word: HostWord
    astray: tuple[InstanceStatus, ...] = ()
    """Instances that are not in their target state."""
    ailing: tuple[InstanceStatus, ...] = ()
    """Instances that run and are not healthy."""
    lacking: tuple[InstanceStatus, ...] = ()
    """Instances with operations that were stopped or failed."""
    idle: tuple[InstanceStatus, ...] = ()
    """Aggregators that run and record nothing."""


def verdict_of(report: HostStatus) -> HostVerdict:
    """Return the verdict on a host."""
    instances = report.instances
    found = HostVerdict(
        HostWord.OK,
        astray=tuple(filter(_is_astray, instances)),
        ailing=tuple(filter(_is_ailing, instances)),
        lacking=tuple(filter(_is_lacking, instances)),
        idle=tuple(filter(is_idle, instances)),
    )
    return found._replace(word=_word(report, found))


def _is_astray(instance: InstanceStatus) -> bool:
    return not instance.in_target and not instance.is_page


def _is_ailing(instance: InstanceStatus) -> bool:
    if instance.is_page and (instance.state in _BROKEN or _starts_long(instance)):
        return True
    return instance.in_target and not instance.healthy


def _starts_long(instance: InstanceStatus) -> bool:
    return instance.state == "starting" and (instance.uptime_s or 0.0) > PAGE_START_LIMIT_S


def _is_lacking(instance: InstanceStatus) -> bool:
    # The recording of an aggregator has a line of its own.
    return bool(instance.lacks) and not instance.records


def _word(report: HostStatus, found: HostVerdict) -> HostWord:
    if report.stopping:
        return HostWord.STOPPING
    if found.astray or not report.router.works:
        return HostWord.ATTENTION
    if _is_down(report.instances):
        return HostWord.NOTHING_RUNS
    if any((found.ailing, found.idle, _misses(found.lacking), _has_trouble(report))):
        return HostWord.DEGRADED
    return HostWord.OK


def _is_down(instances: Sequence[InstanceStatus]) -> bool:
    agents = [each for each in instances if not each.is_page]
    return len(agents) > 0 and all(each.state == "down" for each in agents)


def _misses(lacking: Iterable[InstanceStatus]) -> bool:
    return any(operation.is_missed for each in lacking for operation in each.lacks)


def _has_trouble(report: HostStatus) -> bool:
    waits = report.alarms is not None and report.alarms.wait
    return bool(report.trouble) or waits or any(disk.warning for disk in report.disks)


def is_idle(instance: InstanceStatus) -> bool:
    """Return whether an aggregator that runs has told that it records nothing."""
    told = instance.recording or RecordingStatus(recording=True)
    silent = told.paused or not told.recording
    return instance.records and instance.state == "up" and silent


def exit_code(verdict: HostVerdict, *, router_works: bool = True, strict: bool = False) -> int:
    """Return 3 if something is not in its target state, else 0.

    A `strict` exit code is 5 if everything is in its target state and the verdict still is not ok.
    """
    if verdict.astray or not router_works:
        return NOT_IN_TARGET_EXIT
    if strict and verdict.word is not HostWord.OK:
        return NOT_WELL_EXIT
    return 0


def is_well(instance: InstanceStatus, idle: Sequence[InstanceStatus] = ()) -> bool:
    """Return whether there is nothing to say about an instance; `idle` aggregators are not well."""
    well = instance.in_target and instance.healthy and not instance.lacks
    return well and instance not in idle
