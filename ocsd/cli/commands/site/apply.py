"""`ocsd site apply`: take a site file into use, host by host."""

import json
import sys
import time

from ocsd.cli.arguments import options
from ocsd.cli.rollout import driving, hosts, report
from ocsd.cli.rollout.steps import Performer, StepEnd
from ocsd.cli.screen import question
from ocsd.rollout import waves as sizes_of
from ocsd.rollout.course import FINAL, Course, HostStep, Stage, exit_code
from ocsd.text import units
from ocsd.text.plural import plural


@options.command(
    "ocsd site apply --site-file site.yaml",
    "ocsd site apply --waves 1,3,rest",
    "ocsd site apply --hosts lab-2,hub --yes",
    "ocsd site apply --upgrade",
    after="Exit code 1: it stopped at a host; 69: a host did not answer and was left out; 78: a "
    "host refuses the file, and none was changed; 130: Ctrl-C.",
)
@options.yes_option
@hosts.upgrade_option
@hosts.waves_option
@options.timeout_option
@hosts.arguments
def apply(
    site_file: str | None,
    names: str | None,
    as_json: bool,
    timeout_s: float,
    waves: str,
    upgrades: bool,
    is_sure: bool,
) -> int:
    """Take a site file into use, host by host, and stop where it goes wrong.

    A host takes the file and reloads it. When all that it started is up and well, the next one
    begins. If that does not happen in time, the host gets its file of before back, and no other
    host begins. Hosts that do not answer are left out.

    Ctrl-C lets the hosts that have begun come to an end; a second one leaves them alone.
    """
    numbers = sizes_of.sizes(waves)
    rollout = hosts.found(site_file, names)
    sights = rollout.looked(upgrades=upgrades)
    hosts.refuse(sights, rollout.new.digest)
    course = driving.course_of(
        sights, rollout.new.digest, numbers, in_order=names is not None, upgrades=upgrades
    )
    if not is_sure and any(course.waves) and question.can_ask():
        lines = report.plan_lines(sights, rollout.new, course, rollout.strangers)
        print("\n".join(lines), file=sys.stderr)
        due = sum(map(len, course.waves))
        question.confirm(f"take this file to {plural(due, 'host')}?")
    teller = _Teller(as_json)
    performer = Performer(
        rollout.ports,
        {sight.host: sight for sight in sights},
        rollout.new.text,
        rollout.new.digest,
        timeout_s,
        teller.line,
    )
    teller.performer = performer
    course = driving.Drive(performer, teller.tell).run(course, teller.interrupted)
    if as_json:
        changes = {host: performer.effects(host) for host in course.stages}
        print(json.dumps(report.result_json(course, rollout.new, changes), indent=2))
    else:
        print("\n".join(report.result_lines(course, rollout.new)))
    return exit_code(course)


class _Teller:
    """Prints what happens on each host; with JSON on standard error."""

    performer: Performer

    def __init__(self, as_json: bool) -> None:
        self._stream = sys.stderr if as_json else sys.stdout
        self._begun_s: dict[str, float] = {}

    def line(self, host: str, text: str) -> None:
        """Print a line about a host."""
        print(f"{host} {text}", file=self._stream, flush=True)

    def tell(self, course: Course, step: HostStep, outcome: StepEnd | None) -> None:
        """Tell that a step begins, or how the last one of a host has ended."""
        if outcome is None:
            self._begun_s.setdefault(step.host, time.monotonic())
            self.line(step.host, self._step_words(course, step))
        elif course.stages[step.host] in FINAL:
            took = units.short_duration(time.monotonic() - self._begun_s[step.host])
            self.line(step.host, f"{course.stages[step.host]} after {took}")

    def _step_words(self, course: Course, step: HostStep) -> str:
        if step.stage is Stage.COMES_UP:
            return f"comes up: {report.effect_words(self.performer.effects(step.host))}"
        if step.stage is Stage.GOES_BACK:
            return f"goes back: {course.reasons.get(step.host, 'it did not come up')}"
        return str(step.stage)

    def interrupted(self, course: Course) -> None:
        """Say what Ctrl-C does now."""
        hosts = ", ".join(course.under_way)
        text = f"no other host begins; waiting for {hosts}; Ctrl-C again leaves them alone"
        print(text, file=self._stream, flush=True)
