"""Drives a roll-out: asks hosts, carries out the steps, and tells how it goes."""

import queue
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ocsd.cli.rollout.steps import Performer, StepEnd
from ocsd.errors import OcsdError
from ocsd.rollout.course import Course, HostStep, Stage, StepEvent, planned
from ocsd.rollout.standing import Sight, Standing
from ocsd.rollout.waves import ordered, waves

Tell = Callable[[Course, HostStep, StepEnd | None], None]
"""Takes the course, a step that begins, or one that has ended with this outcome."""


def course_of(
    sights: Sequence[Sight],
    digest: str,
    numbers: Sequence[int | None],
    *,
    in_order: bool,
    upgrades: bool,
) -> Course:
    """Return the course of a roll-out to these hosts; `in_order` keeps theirs."""
    standing = {sight.host: sight.standing(digest) for sight in sights}
    behind = [sight for sight in sights if standing[sight.host] is Standing.BEHIND]
    course = planned(
        waves(behind if in_order else ordered(behind), numbers),
        {sight.host: sight.away for sight in sights if standing[sight.host] is Standing.AWAY},
        tuple(host for host, each in standing.items() if each is Standing.UP_TO_DATE),
    )
    return replace(course, upgrading=upgrades)


class Drive:
    """Runs a course to its end, with a thread for each step that is under way."""

    def __init__(self, performer: Performer, tell: Tell) -> None:
        self._performer = performer
        self._tell = tell
        # None is Ctrl-C. A handler of a signal may put something into this kind of queue.
        self._ended: queue.SimpleQueue[tuple[HostStep, StepEnd | BaseException] | None]
        self._ended = queue.SimpleQueue()

    def run(self, course: Course, on_interrupt: Callable[[Course], None]) -> Course:
        """Return the course at its end.

        Ctrl-C lets what is under way end, and begins nothing else; `on_interrupt` tells that. At
        another Ctrl-C the course is returned as it is.
        """
        usual = signal.signal(signal.SIGINT, lambda *_: self._ended.put(None))
        try:
            return self._run(course, on_interrupt)
        finally:
            signal.signal(signal.SIGINT, usual)
            self._performer.over.set()

    def _run(self, course: Course, on_interrupt: Callable[[Course], None]) -> Course:
        course, steps = course.begun()
        self._begin(course, steps)
        while not course.is_over:
            ended = self._ended.get()
            if ended is None and course.interrupted:
                break
            if ended is None:
                course = course.after_interrupt()
                on_interrupt(course)
                continue
            step, outcome = ended
            if isinstance(outcome, BaseException):
                raise outcome
            course, steps = course.after(step, outcome.event, outcome.why)
            self._tell(course, step, outcome)
            self._begin(course, steps)
        return course

    def _begin(self, course: Course, steps: Sequence[HostStep]) -> None:
        for step in steps:
            self._tell(course, step, None)
            threading.Thread(target=self._perform, args=(step,), daemon=True).start()

    def _perform(self, step: HostStep) -> None:
        try:
            self._ended.put((step, self._performer.perform(step)))
        except BaseException as error:  # noqa: BLE001 - a defect of ours is raised where it is seen
            self._ended.put((step, error))


def pushed(
    performer: Performer, hosts: Sequence[str], tell: Callable[[str, StepEnd], None]
) -> Mapping[str, StepEnd]:
    """Have each of these hosts take the file, one after the other; return how that has ended."""
    found: dict[str, StepEnd] = {}
    for host in hosts:
        found[host] = performer.perform(HostStep(host, Stage.TAKES))
        tell(host, found[host])
    return found


def worst(outcomes: Mapping[str, StepEnd]) -> int:
    """Return the exit code of a push."""
    if all(each.event is StepEvent.DID for each in outcomes.values()):
        return 0
    return OcsdError.exit_code
