"""`ocsd start`: become the daemon, or start one in the background and wait for it."""

import codecs
import os
import selectors
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, TextIO

import click

from ocsd.cli.arguments import options
from ocsd.cli.become import become
from ocsd.cli.screen import terminal
from ocsd.errors import DaemonStartError, OcsdError, TimedOutError, UsageError

if TYPE_CHECKING:
    from ocsd.status import replies

# Once the daemon has closed its output its status takes milliseconds.
_FIRST_STATUS_LIMIT_S = 10.0
_ONE_ANSWER_LIMIT_S = 2.0
_FIRST_STATUS_POLL_S = 0.02
_BLOCK_BYTES = 64 * 1024


@options.command(
    "ocsd start                         # in the foreground; Ctrl-C ends everything",
    "ocsd start --host grumpy --site-file site-configs/default.yaml",
    "ocsd start -d                      # in the background; returns when all is up",
    "ocsd start --log-format json       # all logs of the host to stdout, for Loki and the like",
)
@options.not_names("start", "up")
@options.host_entry_option
@options.site_file_option
@click.option("-d", "--detach", is_flag=True, help="Return when everything is up.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    envvar="OCSD_LOG_FORMAT",
    default="text",
    help="`json`: write the daemon's log and those of all agents to stdout, one object a line; "
    "also $OCSD_LOG_FORMAT.",
)
def start(host: str | None, site_file: str | None, detach: bool, log_format: str) -> int:
    """Bring up a host: router, registry, aggregator and agents."""
    command = _daemon_command(host, site_file, "auto")
    if log_format == "json":
        command += ["--log-format", "json"]
    if not detach:
        # The daemon keeps this pid, so that systemd and Ctrl-C reach it.
        become(command)
    if log_format == "json":
        raise UsageError(
            "-d lets go of stdout, to which --log-format json (or $OCSD_LOG_FORMAT) writes; give "
            "one of them"
        )
    colour = "never"
    if terminal.of_output().colour:
        colour = "always"
    return _detached([*_daemon_command(host, site_file, colour), "--detached"])


def _daemon_command(host: str | None, site_file: str | None, colour: str) -> list[str]:
    # -P: a module in the working directory must not be taken for a library.
    command = [sys.executable, "-P", "-m", "ocsd.daemon", "--colour", colour]
    if host:
        command += ["--host", host]
    if site_file:
        command += ["--site-file", site_file]
    return command


def _detached(command: list[str]) -> int:
    daemon = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        # While the daemon is being loaded, which need not wait for it.
        from ocsd.cli.commands.look import status

        _copy(daemon)
        report = _report(daemon)
    except KeyboardInterrupt:
        print(
            f"ocsd: the daemon (pid {daemon.pid}) goes on starting in the background; "
            "see: ocsd status, ocsd stop",
            file=sys.stderr,
        )
        raise
    if isinstance(report, int):
        return report
    print(status.verdict(report, terminal.of_output()))
    return status.exit_code(report)


def _copy(daemon: subprocess.Popen[bytes]) -> None:
    """Copy the daemon's output until it closes both pipes, or ends."""
    with selectors.DefaultSelector() as selector:
        for pipe, stream in ((daemon.stdout, sys.stdout), (daemon.stderr, sys.stderr)):
            if pipe is not None:
                decoder = codecs.getincrementaldecoder("utf-8")("replace")
                selector.register(pipe, selectors.EVENT_READ, (stream, decoder))
        # A child of a dead daemon may hold a pipe open for ever.
        ended = os.pidfd_open(daemon.pid)
        selector.register(ended, selectors.EVENT_READ)
        while len(selector.get_map()) > 1:
            ready = [key for key, _ in selector.select()]
            for key in ready:
                if key.data is not None and not _copied(key.fd, *key.data):
                    selector.unregister(key.fileobj)
            if [key.fd for key in ready] == [ended]:
                break
        os.close(ended)


def _copied(pipe: int, stream: TextIO, decoder: codecs.IncrementalDecoder) -> bool:
    block = os.read(pipe, _BLOCK_BYTES)
    stream.write(decoder.decode(block, final=not block))
    stream.flush()
    return bool(block)


def _report(daemon: subprocess.Popen[bytes]) -> "replies.HostStatus | int":
    """Return the status of the host, or the exit code of a daemon that has ended."""
    from ocsd.cli.talk import control
    from ocsd.status import replies

    limit_s = time.monotonic() + _FIRST_STATUS_LIMIT_S
    while time.monotonic() < limit_s:
        code = daemon.poll()
        if code is not None:
            return _ended(code)
        for client in control.find_all():
            try:
                report = replies.host_status(client.status(_ONE_ANSWER_LIMIT_S))
            except OcsdError:
                continue  # the daemon of another host, whose troubles are not ours
            if report.pid == daemon.pid:
                return report
        time.sleep(_FIRST_STATUS_POLL_S)
    raise TimedOutError(
        f"the daemon (pid {daemon.pid}) has started but does not answer; "
        "see: ocsd status, ocsd logs ocsd"
    )


def _ended(code: int) -> int:
    if code > 0:
        return code
    if code == 0:
        raise DaemonStartError(
            "the daemon has ended: everything was stopped before all was up "
            "(ocsd stop, or a signal); to bring it up: ocsd start"
        )
    raise DaemonStartError(
        f"the daemon was ended by {signal.Signals(-code).name} while it started; "
        "look for the reason in its log (ocsd logs ocsd) and in the kernel's (dmesg)"
    )
