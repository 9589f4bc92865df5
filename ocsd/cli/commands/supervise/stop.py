"""`ocsd stop`: end everything that the daemon runs, and the daemon."""

import select
import sys
import time
from collections.abc import Iterable

import click

from ocsd.cli import up_down_restart
from ocsd.cli.arguments import options
from ocsd.cli.commands.supervise.upgrade import watched
from ocsd.cli.screen import question, terminal
from ocsd.cli.systemd import unit_job
from ocsd.cli.talk import control, leftovers
from ocsd.errors import NoDaemonError, OcsdError, TimedOutError, UnfinishedError
from ocsd.status import changes, replies
from ocsd.system.paths import HostPaths
from ocsd.text import units
from ocsd.text.plural import plural
from ocsd.text.reason import clause


@options.command("ocsd stop", "ocsd stop --yes --host grumpy")
@options.not_names("stop", "down")
@options.yes_option
@options.host_option
@options.timeout_option
@click.option(
    "--unit",
    metavar="UNIT",
    help="For ExecStop in a unit of systemd: the daemon is $MAINPID, and if UNIT is being "
    "restarted only the daemon ends.",
)
def stop(is_sure: bool, host: str | None, timeout_s: float, unit: str | None) -> None:
    """End agents, router and daemon of this host.

    A person at a terminal is asked first. The command returns when they are gone. The targets
    stay as they are: the next start brings up again whatever was up. If the daemon has died, the
    processes that it left running are ended.
    """
    if unit is None:
        _stop_host(host, timeout_s, is_sure=is_sure)
    else:
        _stop_unit(unit, timeout_s)


def _stop_host(host: str | None, timeout_s: float, *, is_sure: bool) -> None:
    try:
        daemon = control.find(host)
        before = replies.host_status(daemon.status())
    except NoDaemonError:  # or it has died just now
        hosts = leftovers.find(host)
        if not hosts:
            raise
        _end_leftovers(hosts)
    else:
        if not is_sure and question.can_ask():
            running = plural(len(before.instances), "instance")
            question.confirm(f"{daemon.host}: stop {running}, the router and the daemon?")
        _end(daemon, before, timeout_s)


def _stop_unit(unit: str, timeout_s: float) -> None:
    pid = unit_job.main_pid()
    if pid is None:
        return  # it has ended by itself, after an `ocsd stop`
    if unit_job.is_restart(unit):
        unit_job.make_leave(pid)
        print(f"{unit} is being restarted: its agents run on")
        return
    try:
        daemon = unit_job.daemon_of(pid)
        _end(daemon, replies.host_status(daemon.status()), timeout_s)
    except OcsdError as error:
        # systemd would kill only the daemon.
        print(f"ocsd: {error}", file=sys.stderr)
        unit_job.make_leave(pid)
        _end_leftovers(leftovers.find_of(pid))


def _end_leftovers(hosts: Iterable[HostPaths]) -> None:
    for places in hosts:
        names = ", ".join(leftovers.end(places))
        print(f"{places.host}: no daemon was running; ended what it had left: {names}")


def _end(daemon: control.DaemonClient, before: replies.HostStatus, timeout_s: float) -> None:
    begun_s = time.monotonic()
    pid = before.pid
    # Opened before the daemon ends, because another process may get its pid afterwards.
    with watched(pid) as process:
        if not _all_ended(daemon, before, timeout_s):
            raise NoDaemonError(
                f"the daemon of host '{daemon.host}' (pid {pid}) broke off before everything had "
                "ended, and agents may still run; start it again, then repeat: ocsd stop"
            )
        left_s = max(0.0, begun_s + timeout_s - time.monotonic())
        if process and not select.select(process, [], [], left_s)[0]:
            raise TimedOutError(
                f"the daemon of host '{daemon.host}' (pid {pid}) has not ended within "
                f"{timeout_s:g} s; look at its log with: ocsd logs ocsd"
            )
    print(f"{daemon.host}: stopped in {units.short_duration(time.monotonic() - begun_s)}")


def _all_ended(daemon: control.DaemonClient, before: replies.HostStatus, timeout_s: float) -> bool:
    """Ask the daemon to end everything and print the events; return whether everything ended."""
    screen = terminal.of_output()
    all_ended = False
    left = {each.instance_id: None for each in before.instances if each.pid is not None}
    try:
        for _, event in daemon.stop(timeout_s):
            all_ended = all_ended or isinstance(event, changes.Stopped)
            if isinstance(event, changes.StateChange):
                print(up_down_restart.event_line(event, screen), flush=True)
                if event.state == "down":
                    left.pop(event.instance_id, None)
    except UnfinishedError as error:
        unended = clause("; not ended yet: ", ", ".join(left))
        raise UnfinishedError(f"{error}{unended}") from error
    except NoDaemonError:
        pass  # the answer may break off, because the daemon ends, too
    return all_ended
