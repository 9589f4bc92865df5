"""`ocsd reload`: take an edited site file into use, touching only what it changed."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from ocsd.cli import control, options, unit_job


@click.command(
    name="reload",
    epilog=options.examples(
        "ocsd reload --dry-run              # what would it change?",
        "ocsd reload",
        "ocsd reload --json | jq .changed",
    )
    + "\n\nA broken file changes nothing; the message says where it is broken (exit code 78).",
)
@click.option("--dry-run", is_flag=True, help="Tell what would change, and change nothing.")
@options.host_option
@options.json_option
@click.option(
    "--unit",
    metavar="UNIT",
    help="For ExecReload in a unit of systemd: the daemon meant is $MAINPID, whatever its host.",
)
def site_reload(dry_run: bool, host: str | None, as_json: bool, unit: str | None) -> None:
    """Read the site file anew and start, restart and end what it changed.

    New instances are started, instances that left the file are ended, those
    whose entries changed are restarted. All others are not touched. It does not wait for them:
    `ocsd status` tells how they do.
    """
    pid = None if unit is None else unit_job.main_pid()
    daemon = control.find(host) if pid is None else unit_job.daemon_of(pid)
    told = daemon.reload(dry_run)
    for warning in told.get("warnings", ()):
        print(f"ocsd: warning: {warning}", file=sys.stderr)
    print(json.dumps(told, indent=2) if as_json else "\n".join(lines(told, dry_run)))


def lines(told: Mapping[str, Any], dry_run: bool) -> list[str]:
    """Return what changed, or would, a line for each instance.

    Parameters
    ----------
    told : mapping
        The daemon's answer.
    dry_run : bool
        Whether nothing was changed.
    """
    kinds: Sequence[tuple[str, str, str]] = (
        ("added", "starts", "start"),
        ("removed", "ends", "end"),
        ("changed", "restarts", "restart"),
        ("kept", "goes on", "leave running"),
    )
    found = []
    for kind, did, would in kinds:
        keys = told.get(kind) or {}
        for name in keys:
            why = f" ({', '.join(keys[name])} changed)" if isinstance(keys, dict) else ""
            verb = f"would {would}" if dry_run else did
            found.append(f"{verb:<14} {name}{why}")
    unchanged = told.get("unchanged", 0)
    if not found:
        return [f"nothing to do: the site file says what runs ({unchanged} instances)"]
    found.append(f"{unchanged} instances are not touched")
    begun = not dry_run and (told.get("added") or told.get("changed"))
    return [*found, "see how they do: ocsd status"] if begun else found
