"""`ocsd upgrade`: replace the running daemon by the installed version; agents run on."""

import contextlib
import json
import os
import select
import time
from collections.abc import Iterator
from typing import Any

import click

from ocsd.cli.arguments import options
from ocsd.cli.talk import control
from ocsd.errors import (
    DaemonRefusedError,
    NoDaemonError,
    OcsdError,
    TimedOutError,
    UpgradeError,
    UsageError,
)
from ocsd.status import replies
from ocsd.text import units

# The daemon first loads the installed version in another process, to check that it works.
_CONSENT_LIMIT_S = 40.0
_ONE_ANSWER_LIMIT_S = 2.0
_SUCCESSOR_POLL_S = 0.05


@options.command(
    "ocsd upgrade --dry-run             # which version is installed, and can it start?",
    "ocsd upgrade",
    "ocsd upgrade --host grumpy",
)
@click.option("--dry-run", is_flag=True, help="Only try whether the installed version can start.")
@click.option("--json", "as_json", is_flag=True, help="With --dry-run: print JSON, for programs.")
@options.host_option
@options.timeout_option
def upgrade(dry_run: bool, as_json: bool, host: str | None, timeout_s: float) -> None:
    """Replace the running daemon by the installed version.

    Agents and router run on with the code that they have, and lose nothing; the daemon keeps
    its pid. To give an agent its new code, use 'ocsd restart NAME'. If the installed version
    cannot start, or the site file is broken, nothing is changed.
    """
    daemon = control.find(host)
    if dry_run:
        _print_foreseen(daemon, as_json)
        return
    if as_json:
        raise UsageError("--json belongs to --dry-run")
    before = daemon.status()
    begun_s = time.monotonic()
    with watched(replies.host_status(before).pid) as process:
        _ask(daemon)
        after = _successor(daemon, before, process, time.monotonic() + timeout_s)
    old, new = _processes(before), _processes(after)
    went_on = sum(new.get(name) == pid for name, pid in old.items())
    print(
        f"{daemon.host}: ocsd {before.get('version')} -> {after.get('version')} in "
        f"{units.short_duration(time.monotonic() - begun_s)}; "
        f"{went_on} of {len(old)} processes went on"
    )
    lost = [name for name, pid in old.items() if new.get(name) != pid]
    if lost:
        raise UpgradeError(f"these ended meanwhile: {', '.join(lost)}; see: ocsd why {lost[0]}")


def _print_foreseen(daemon: control.DaemonClient, as_json: bool) -> None:
    for line in daemon.upgrade(_CONSENT_LIMIT_S, dry_run=True):
        if as_json:
            print(json.dumps(line))
            return
        changed = " (its code was changed since the daemon was started)"
        print(
            f"{daemon.host}: would upgrade ocsd {line.get('from')} -> {line.get('to')}"
            f"{changed if line.get('new_code') else ''}"
        )


@contextlib.contextmanager
def watched(pid: int) -> Iterator[list[int]]:
    """Yield a descriptor that becomes readable when the daemon ends; an upgrade keeps its pid."""
    try:
        process = os.pidfd_open(pid)
    except OSError:
        yield []  # it is in a container with pids of its own
        return
    try:
        yield [process]
    finally:
        os.close(process)


def _ask(daemon: control.DaemonClient) -> None:
    agreed = False
    # The answer breaks off when the daemon is replaced.
    with contextlib.suppress(NoDaemonError):
        for line in daemon.upgrade(_CONSENT_LIMIT_S):
            error = line.get("error")
            if error:
                raise DaemonRefusedError(str(error["message"]), int(error.get("exit_code", 1)))
            agreed = agreed or line.get("event") == "upgrading"
    if not agreed:
        raise NoDaemonError(
            f"the daemon of host '{daemon.host}' ended before it had agreed to the upgrade; "
            "look at its log with: ocsd logs ocsd"
        )


def _successor(
    daemon: control.DaemonClient, before: dict[str, Any], process: list[int], deadline_s: float
) -> dict[str, Any]:
    """Return the status of the new daemon, once it has settled everything that ran."""
    ran = _processes(before)
    latest: dict[str, Any] = {}
    while time.monotonic() < deadline_s:
        with contextlib.suppress(OcsdError):
            status = daemon.status(_ONE_ANSWER_LIMIT_S)
            if status.get("since_at") != before.get("since_at"):
                latest = status
                if all(_is_settled(status, name) for name in ran):
                    return latest
        if select.select(process, [], [], _SUCCESSOR_POLL_S)[0]:
            raise NoDaemonError(
                f"the daemon of host '{daemon.host}' ended while it was replaced; its agents run "
                f"on, so start it again with: ocsd start --host {daemon.host}"
            )
    if latest:
        return latest
    raise TimedOutError(
        f"the daemon of host '{daemon.host}' has not been replaced in time; "
        "look at its log with: ocsd logs ocsd"
    )


def _is_settled(status: dict[str, Any], name: str) -> bool:
    """Whether an instance is up again, or has another state that will last."""
    row = replies.rows(status).get(name, {})
    return row.get("state") not in {"starting", "stopping"}


def _processes(status: dict[str, Any]) -> dict[str, int]:
    """Return the pids of the processes that the daemon runs."""
    report = replies.host_status(status)
    pids = {each.instance_id: each.pid for each in report.instances}
    pids["router"] = report.router.pid
    return {name: pid for name, pid in pids.items() if pid and pid != report.pid}
