"""The verdict on a host: whether there is anything to do, and about what."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ocsd.cli.talk.activity import RecordingStatus
from ocsd.cli.talk.replies import HostStatus, InstanceStatus

NOT_IN_TARGET_EXIT: Final = 3
NOT_WELL_EXIT: Final = 5


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


@dataclass(frozen=True, slots=True)
class HostVerdict:
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
    astray = tuple(each for each in instances if not each.in_target)
    ailing = tuple(each for each in instances if each.in_target and not each.healthy)
    lacking = tuple(each for each in instances if each.lacks and not each.records)
    idle = tuple(each for each in instances if each.records and is_idle(each))
    missed = any(operation.is_missed for each in lacking for operation in each.lacks)
    troubles = (report.trouble, *(disk.warning for disk in report.disks))
    word = HostWord.OK
    if report.stopping:
        word = HostWord.STOPPING
    elif astray or not report.router.works:
        word = HostWord.ATTENTION
    elif instances and all(each.state == "down" for each in instances):
        word = HostWord.NOTHING_RUNS
    elif ailing or idle or missed or any(troubles):
        word = HostWord.DEGRADED
    return HostVerdict(word, astray, ailing, lacking, idle)


def is_idle(instance: InstanceStatus) -> bool:
    """Return whether an aggregator that runs has told that it records nothing."""
    told = instance.recording or RecordingStatus(recording=True)
    return instance.state == "up" and (told.paused or not told.recording)


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
