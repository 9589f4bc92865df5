"""`ocsd site push`: give each host a site file."""

import json
import sys
from collections.abc import Sequence

from ocsd.cli.arguments import options
from ocsd.cli.rollout import driving, hosts, report
from ocsd.cli.rollout.steps import Performer, StepEnd
from ocsd.cli.screen import question
from ocsd.rollout.course import StepEvent
from ocsd.rollout.standing import Sight
from ocsd.text.plural import plural


@options.command(
    "ocsd site push --site-file site.yaml",
    "ocsd site push --hosts lab-2,lab-3",
    after="Exit code 78: a host refuses the file, and none was changed.",
)
@options.yes_option
@hosts.arguments
def push(site_file: str | None, names: str | None, as_json: bool, is_sure: bool) -> int:
    """Give each host the file, without taking it into use.

    Each daemon checks the file before it takes it, and keeps the file before, as FILE.previous.
    The file is in use after the next reload or start of the daemon; 'ocsd site apply' does both.
    """
    rollout = hosts.found(site_file, names)
    sights = rollout.looked()
    hosts.refuse(sights, rollout.new.digest)
    due = _answering(sights)
    if not is_sure and question.can_ask():
        question.confirm(f"give {rollout.new.path} to {plural(len(due), 'host')}?")
    performer = Performer(
        rollout.ports,
        {sight.host: sight for sight in sights},
        rollout.new.text,
        rollout.new.digest,
        0.0,
        lambda *_: None,
    )
    ends = driving.pushed(performer, due, _silent if as_json else _told)
    if as_json:
        print(json.dumps(report.push_json(sights, rollout.new, ends), indent=2))
    return driving.worst(ends) or report.plan_exit_code(sights, rollout.new.digest)


def _answering(sights: Sequence[Sight]) -> list[str]:
    """Return the hosts that can be asked, and print the others."""
    for sight in sights:
        if sight.away:
            print(f"{sight.host} left out: {sight.away}", file=sys.stderr)
    return [sight.host for sight in sights if not sight.away]


def _told(host: str, end: StepEnd) -> None:
    if end.event is StepEvent.DID:
        print(f"{host} has the file", flush=True)
    else:
        print(f"{host}: {end.why}", flush=True)


def _silent(_host: str, _end: StepEnd) -> None:
    pass
