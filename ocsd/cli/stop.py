"""`ocsd stop`: end everything that the daemon runs, and the daemon."""

import contextlib
import os
import select
import sys
import time

import click

from ocsd.cli import control, instances, options, replies, terminal, units
from ocsd.errors import NoDaemonError, TimedOutError


@click.command(epilog=options.examples("ocsd stop", "ocsd stop --host grumpy"))
@options.host_option
@options.timeout_option
def stop(host: str | None, timeout_s: float) -> None:
    """End agents, router and daemon of this host.

    It returns when they are gone. The targets stay as they are: the next start
    brings up again what was up.
    """
    begun_s = time.monotonic()
    daemon = control.find(host)
    pid = replies.host_status(daemon.status()).pid
    # Taken before the daemon ends, so that another process that gets its
    # number afterwards is not mistaken for it.
    process = _pidfd(pid)
    screen = terminal.of(sys.stdout, os.environ)
    all_ended = False
    # The answer may break off without its proper end: the daemon ends, too.
    with contextlib.suppress(NoDaemonError):
        for _, event in daemon.stop(timeout_s):
            all_ended = all_ended or isinstance(event, replies.Stopped)
            if isinstance(event, replies.Transition):
                print(instances.event_line(event, screen), flush=True)
    if not all_ended:
        raise NoDaemonError(
            f"the daemon of host '{daemon.host}' (pid {pid}) broke off before everything had "
            "ended, and agents may still run; start it again, then repeat: ocsd stop"
        )
    if process is not None:
        left_s = max(0.0, begun_s + timeout_s - time.monotonic())
        gone, _, _ = select.select([process], [], [], left_s)
        os.close(process)
        if not gone:
            raise TimedOutError(
                f"the daemon of host '{daemon.host}' (pid {pid}) has not ended within "
                f"{timeout_s:g} s; look at its log with: ocsd logs ocsd"
            )
    print(f"{daemon.host}: stopped in {units.short_duration(time.monotonic() - begun_s)}")


def _pidfd(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except OSError:
        # It has ended already, or lives in a container with pids of its own.
        return None
