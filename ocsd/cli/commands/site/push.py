"""`ocsd site push`: give each host a site file."""

import json
import sys

from ocsd.cli.arguments import options
from ocsd.cli.rollout import driving, hosts, report
from ocsd.cli.rollout.steps import Outcome, Performer
from ocsd.cli.screen import question
from ocsd.errors import ConfigurationError
from ocsd.rollout.course import StepEvent
from ocsd.rollout.standing import Standing, obstacles
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
    refusals = list(obstacles(sights, rollout.new.digest))
    if refusals:
        raise ConfigurationError("\n".join(("no host was changed:", *refusals)))
    away = [each for each in sights if each.standing(rollout.new.digest) is Standing.AWAY]
    for sight in away:
        print(f"{sight.host} left out: {sight.away}", file=sys.stderr)
    due = [each.host for each in sights if not each.away]
    if not is_sure and question.can_ask():
        question.confirm(f"give {rollout.new.path} to {plural(len(due), 'host')}?")

    def tell(host: str, outcome: Outcome) -> None:
        if as_json:
            return
        if outcome.event is StepEvent.DID:
            print(f"{host} has the file", flush=True)
        else:
            print(f"{host}: {outcome.why}", flush=True)

    performer = Performer(
        rollout.ports,
        {sight.host: sight for sight in sights},
        rollout.new.text,
        rollout.new.digest,
        0.0,
        lambda *_: None,
    )
    outcomes = driving.pushed(performer, due, tell)
    if as_json:
        found = {host: {"event": str(each.event), "reason": each.why}
                 for host, each in outcomes.items()}  # fmt: skip
        left_out = {each.host: {"event": "left out", "reason": each.away} for each in away}
        print(json.dumps({"digest": rollout.new.digest, "hosts": found | left_out}, indent=2))
    return driving.worst(outcomes) or report.plan_exit_code(sights, rollout.new.digest)
