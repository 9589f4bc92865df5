"""The course of a roll-out: which host does what next, and when it stops.

A `Course` is a value. It takes what has happened on a host, and returns its successor and what is
to be done now. One table has the next stage of a host for each event; an event without a rule
raises and changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from ocsd.errors import INTERRUPTED_EXIT


class Stage(StrEnum):
    """The part of a roll-out that a host is in, or how it has ended there."""

    WAITS = "waits"
    UPGRADES = "upgrades"
    TAKES = "takes the file"
    RELOADS = "reloads"
    COMES_UP = "comes up"
    GOES_BACK = "goes back"
    DONE = "done"
    LEFT_OUT = "left out"
    """It did not answer, or did not let this person ask."""
    REFUSED = "refused"
    """It did not take what it was to take; nothing was changed."""
    WENT_BACK = "went back"
    """It did not come up, and runs its old file again."""
    STUCK = "stuck"
    """It did not come up, and could not be put back."""
    UNTOUCHED = "untouched"
    """The roll-out stopped before its turn."""


class StepEvent(StrEnum):
    """The outcome of a step on a host."""

    DID = "did"
    REFUSED = "refused"
    """The host has refused it, and nothing was changed."""
    FAILED = "failed"
    """It was not done, or not known to be done."""


STEPS: Final = (Stage.UPGRADES, Stage.TAKES, Stage.RELOADS, Stage.COMES_UP, Stage.GOES_BACK)
"""The stages in which something is done on a host."""

FINAL: Final = frozenset(Stage) - {Stage.WAITS, *STEPS}
_BAD: Final = frozenset({Stage.REFUSED, Stage.WENT_BACK, Stage.STUCK})
"""The ends after which no other host begins."""

AFTER: Final[Mapping[tuple[Stage, StepEvent], Stage]] = {
    (Stage.UPGRADES, StepEvent.DID): Stage.TAKES,
    (Stage.UPGRADES, StepEvent.REFUSED): Stage.REFUSED,
    # An upgrade cannot be undone: the old software is no longer installed.
    (Stage.UPGRADES, StepEvent.FAILED): Stage.STUCK,
    (Stage.TAKES, StepEvent.DID): Stage.RELOADS,
    (Stage.TAKES, StepEvent.REFUSED): Stage.REFUSED,
    (Stage.TAKES, StepEvent.FAILED): Stage.GOES_BACK,
    (Stage.RELOADS, StepEvent.DID): Stage.COMES_UP,
    (Stage.RELOADS, StepEvent.REFUSED): Stage.GOES_BACK,
    (Stage.RELOADS, StepEvent.FAILED): Stage.GOES_BACK,
    (Stage.COMES_UP, StepEvent.DID): Stage.DONE,
    (Stage.COMES_UP, StepEvent.FAILED): Stage.GOES_BACK,
    (Stage.GOES_BACK, StepEvent.DID): Stage.WENT_BACK,
    (Stage.GOES_BACK, StepEvent.FAILED): Stage.STUCK,
}
"""The next stage of a host."""


class NoRuleError(Exception):
    """An event came that the table has no rule for: a defect of ours."""


@dataclass(frozen=True, slots=True)
class HostStep:
    """Something to be done now on a host."""

    host: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class Course:
    """A roll-out at one moment."""

    waves: tuple[tuple[str, ...], ...]
    """The hosts of each wave, in their order."""
    stages: Mapping[str, Stage]
    """The stage of each host."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Why a host did not come up, or was left out."""
    upgrading: bool = False
    """Whether each host takes the installed software first."""
    interrupted: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing is under way, and nothing will be."""
        return all(stage in FINAL for stage in self.stages.values())

    @property
    def has_failed(self) -> bool:
        """Whether a host has ended badly, so that no other begins."""
        return any(stage in _BAD for stage in self.stages.values())

    @property
    def under_way(self) -> tuple[str, ...]:
        """The hosts on which something is being done."""
        return tuple(host for host, stage in self.stages.items() if stage in STEPS)

    def begun(self) -> tuple["Course", tuple[HostStep, ...]]:
        """Return the course with its first wave under way, and what to do."""
        return _onward(self)

    def after(
        self, step: HostStep, event: StepEvent, why: str = ""
    ) -> tuple["Course", tuple[HostStep, ...]]:
        """Return the course after a step has ended, and what to do now.

        Raises
        ------
        NoRuleError
            If the host is not in this stage, or it cannot end like that.
        """
        following = AFTER.get((step.stage, event))
        if following is None or self.stages.get(step.host) is not step.stage:
            raise NoRuleError(f"{step.host}: {event} in {step.stage}")
        reasons = dict(self.reasons)
        if why:
            reasons[step.host] = "; ".join(filter(None, (reasons.get(step.host), why)))
        course = replace(self, stages={**self.stages, step.host: following}, reasons=reasons)
        if following in STEPS:
            return course, (HostStep(step.host, following),)
        return _onward(course)

    def after_interrupt(self) -> "Course":
        """Return the course after Ctrl-C: what is under way ends, and no other host begins."""
        return _stopped(replace(self, interrupted=True))


def _onward(course: Course) -> tuple[Course, tuple[HostStep, ...]]:
    """Begin the next wave if the one before is over, or stop."""
    if course.under_way:
        return course, ()
    if course.has_failed:
        return _stopped(course), ()
    stages = course.stages
    waiting = (tuple(host for host in wave if stages[host] is Stage.WAITS) for wave in course.waves)
    wave = next(filter(None, waiting), ())
    stage = Stage.UPGRADES if course.upgrading else Stage.TAKES
    begun = replace(course, stages={**stages, **dict.fromkeys(wave, stage)})
    return begun, tuple(HostStep(host, stage) for host in wave)


def _stopped(course: Course) -> Course:
    waiting = [host for host, stage in course.stages.items() if stage is Stage.WAITS]
    return replace(course, stages={**course.stages, **dict.fromkeys(waiting, Stage.UNTOUCHED)})


def planned(
    waves: tuple[tuple[str, ...], ...], left_out: Mapping[str, str], done: tuple[str, ...]
) -> Course:
    """Return the course of a roll-out that has not begun.

    `left_out` has the hosts that cannot be asked, each with the reason, `done` those that have
    nothing to do.
    """
    stages = {host: Stage.WAITS for wave in waves for host in wave}
    stages |= dict.fromkeys(done, Stage.DONE) | dict.fromkeys(left_out, Stage.LEFT_OUT)
    return Course(waves, stages, dict(left_out))


FAILED_EXIT: Final = 1
LEFT_OUT_EXIT: Final = 69


def exit_code(course: Course) -> int:
    """Return the exit code of a roll-out.

    1 if it stopped at a host, else 130 if somebody interrupted it, else 69 if hosts were left
    out.
    """
    if course.has_failed:
        return FAILED_EXIT
    if course.interrupted:
        return INTERRUPTED_EXIT
    if Stage.LEFT_OUT in course.stages.values():
        return LEFT_OUT_EXIT
    return 0
