"""`ocsd reload`: take an edited site file into use, touching only what it changed."""

import json
import sys
from collections.abc import Mapping
from typing import Any, Final

import click

from ocsd.cli import changes
from ocsd.cli.arguments import options
from ocsd.cli.systemd import unit_job
from ocsd.cli.talk import control, replies

_WOULD: Final = {
    "starts": "start",
    "ends": "end",
    "restarts": "restart",
    "goes on": "leave running",
    "stays down": "leave down",
}
"""What a change does to an instance, in the order in which it is told."""

_USUAL: Final = {"added": "starts", "removed": "ends", "changed": "restarts", "kept": "goes on"}


@click.command(
    epilog=options.examples(
        "ocsd reload --dry-run              # what would it change?",
        "ocsd reload",
        "ocsd reload --no-wait",
        "ocsd reload --json | jq .changed",
    )
    + "\n\nA broken file changes nothing; the message says where it is broken (exit code 78).",
)
@click.option("--dry-run", is_flag=True, help="Tell what would change, and change nothing.")
@click.option("--no-wait", is_flag=True, help="Do not wait for what starts, restarts or ends.")
@options.host_option
@options.timeout_option
@options.json_option
@click.option(
    "--unit",
    metavar="UNIT",
    help="For ExecReload in a unit of systemd: the daemon meant is $MAINPID, whatever its host.",
)
def reload(
    dry_run: bool,
    no_wait: bool,
    host: str | None,
    timeout_s: float,
    as_json: bool,
    unit: str | None,
) -> int:
    """Read the site file anew and start, restart and end what it changed.

    New instances are started, instances that left the file are ended, those
    whose entries changed are restarted. All others are not touched.
    """
    pid = None if unit is None else unit_job.main_pid()
    daemon = control.find(host) if pid is None else unit_job.daemon_of(pid)
    answer = daemon.reload(dry_run, None if dry_run or no_wait else timeout_s)
    told, _ = next(answer, ({}, None))
    for warning in told.get("warnings", ()):
        print(f"ocsd: warning: {warning}", file=sys.stderr)
    if as_json:
        came = [(data, each) for data, each in answer if isinstance(each, replies.Result)]
        results = {each.instance_id: each for _, each in came}
        print(json.dumps({**told, "results": [data for data, _ in came]}, indent=2))
    else:
        print("\n".join(lines(told, dry_run)), flush=True)
        results, _ = changes.shown(answer, as_json=False)
    changes.check_complete(results, told.get("waits_for", ()))
    return changes.exit_code(results.values())


def lines(told: Mapping[str, Any], dry_run: bool) -> list[str]:
    """Return what changed, or would, a line for each instance.

    Parameters
    ----------
    told : mapping
        The daemon's answer; with ``waits_for`` it goes on to tell what becomes of these.
    dry_run : bool
        Whether nothing was changed.
    """
    found: dict[str, list[str]] = {effect: [] for effect in _WOULD}
    effects = told.get("effects") or {}  # an older daemon does not tell
    for kind, usual in _USUAL.items():
        keys = told.get(kind) or {}
        for name in keys:
            why = f" ({', '.join(keys[name])} changed)" if isinstance(keys, dict) else ""
            effect = effects.get(name, usual)
            verb = f"would {_WOULD.get(effect, effect)}" if dry_run else effect
            found.setdefault(effect, []).append(f"{verb:<14} {name}{why}")
    unchanged = told.get("unchanged", 0)
    if not any(found.values()):
        return [f"nothing to do: the site file says what runs ({unchanged} instances)"]
    begun = not dry_run and "waits_for" not in told and (found["starts"] or found["restarts"])
    told_of = [line for lines in found.values() for line in lines]
    told_of.append(f"{unchanged} instances are not touched")
    return [*told_of, "see how they do: ocsd status"] if begun else told_of
