"""`ocsd site plan`: what a site file would change on each host."""

import json

from ocsd.cli.arguments import options
from ocsd.cli.rollout import driving, hosts, report
from ocsd.rollout import waves as sizes_of


@options.command(
    "ocsd site plan --site-file site.yaml",
    "ocsd site plan --upgrade           # also which version of ocsd is installed",
    "ocsd site plan --json | jq '.hosts[] | select(.standing == \"behind\").host'",
    after="Exit code 78: a host refuses the file; 69: a host does not answer.",
)
@hosts.upgrade_option
@hosts.waves_option
@hosts.arguments
def plan(
    site_file: str | None, names: str | None, as_json: bool, waves: str, upgrades: bool
) -> int:
    """Show what a site file would change on each host, and change nothing.

    For each host: which version of the file and of ocsd it runs, what would start, restart and end
    there, and why. Each daemon judges the file itself, as it would at a reload.
    """
    numbers = sizes_of.sizes(waves)
    rollout = hosts.found(site_file, names)
    sights = rollout.looked(upgrades=upgrades)
    course = driving.course_of(
        sights, rollout.new.digest, numbers, in_order=names is not None, upgrades=upgrades
    )
    told = (sights, rollout.new, course, rollout.strangers)
    if as_json:
        print(json.dumps(report.plan_json(*told), indent=2))
    else:
        print("\n".join(report.plan_lines(*told)))
    return report.plan_exit_code(sights, rollout.new.digest)
