"""`ocsd values`: the latest value of each field, as a table that can renew itself."""

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click

from ocsd.cli.arguments import completion, options
from ocsd.cli.screen import terminal
from ocsd.cli.screen.table import Cell, columns, table_lines
from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.talk import site_router
from ocsd.cli.talk.latest import LatestValues, Value
from ocsd.cli.talk.site_router import SiteRouter
from ocsd.errors import NoSuchOperationError, UnreachableError
from ocsd.text import units
from ocsd.text.printable import one_line

_WAIT_S = 5.0
_RENEWAL_PERIOD_S = 1.0
_LISTENER_END_S = 2.0
_LISTENER_BEGIN_S = 60.0
_LISTENER_POLL_S = 0.1
_BLOCK_BYTES = 1 << 16
_LEAST_VALUE_COLUMNS = 12
_GAP_COLUMNS = 2
_NONE_YET = "no value yet: a feed is shown once it has published; Ctrl-C ends this"
_COLUMNS = columns("FIELD", "VALUE", "AGE", right=("VALUE", "AGE"))
_COLUMNS_WITH_UNITS = columns("FIELD", "VALUE", "UNITS", "AGE", right=("VALUE", "AGE"))


@options.command(
    "ocsd values                        # all fields of the site",
    "ocsd values thermo1                # those of an agent; also AGENT.FEED, or a field",
    "ocsd values 'thermo*.channel_0?' --watch",
    "ocsd values --wait 30 --json | jq '.[] | select(.value > 5)'",
)
@click.argument("patterns", metavar="[PATTERN]...", nargs=-1, shell_complete=completion.names)
@click.option("--watch", is_flag=True, help="Show them in place, until Ctrl-C.")
@click.option(
    "--wait",
    "wait_s",
    metavar="SECONDS",
    type=click.FloatRange(min=0, min_open=True, max=3600),
    default=_WAIT_S,
    show_default=True,
    help="How long to listen; a feed is shown once it has published.",
)
@options.json_option
@options.site_file_option
@options.host_option
def values(
    patterns: tuple[str, ...],
    watch: bool,
    wait_s: float,
    as_json: bool,
    site_file: str | None,
    host: str | None,
) -> int:
    """Show the latest value of each field that agents publish.

    The values come from the router as agents publish them, with the age of their sample. PATTERN
    is an agent, AGENT.FEED, AGENT.FEED.FIELD or a field; `*` stands for anything.
    """
    screen = terminal.of_output()
    if watch and (as_json or not screen.interactive):
        raise click.UsageError("--watch is for a terminal; a program can use: ocsd listen --json")
    router = site_router.find(site_file, host)
    topic = f"{router.address_root}..feeds."
    command = [sys.executable, "-P", "-m", "ocsd.client.listen", "--json", "--announce"]
    command += ["--url", router.wamp_server, "--realm", router.wamp_realm, topic]
    latest = LatestValues(patterns)
    with _listening(command) as listener:
        if watch:
            return _watch(listener, latest)
        taking_in = _Listener(listener, latest)
        # On a busy machine, the listener takes seconds to begin.
        if taking_in.begin(_LISTENER_BEGIN_S):
            taking_in.listen(wait_s)
        code = listener.poll()
    if code:
        return code  # it has told why
    found = latest.sorted()
    if as_json:
        print(json.dumps([{"name": value.name, **asdict(value)} for value in found], indent=2))
    elif found:
        print("\n".join(_lines(found, screen, time.time())))
    if not found:
        _refuse_without_router(router)
        raise NoSuchOperationError(_nothing(patterns, wait_s))
    return 0


def _refuse_without_router(router: SiteRouter) -> None:
    from ocsd.router.probe import is_open

    if not is_open(router.wamp_server):
        away = f"nothing listens at the address of the router, {router.wamp_server}"
        raise UnreachableError(f"{away}; see: ocsd why router")


def _nothing(patterns: Sequence[str], wait_s: float) -> str:
    named = " and ".join(map(repr, patterns))
    if named:
        named = f" that {named} names"
    return (
        f"no recorded feed has published a field{named} within {wait_s:g} s; "
        "listen for longer with --wait, or see: ocsd status"
    )


@contextmanager
def _listening(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a listener, in a session of its own: Ctrl-C is for this process."""
    listener = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        yield listener
    finally:
        listener.terminate()
        try:
            listener.wait(_LISTENER_END_S)
        except subprocess.TimeoutExpired:
            listener.kill()
            listener.wait()


class _Listener:
    """Takes in what a process prints, a JSON object a line."""

    def __init__(self, process: subprocess.Popen[bytes], latest: LatestValues) -> None:
        self._process = process
        self._latest = latest
        self._rest = b""
        self._has_begun = False

    def begin(self, limit_s: float) -> bool:
        """Wait until the process listens; return False if it has ended."""
        deadline_s = time.monotonic() + limit_s
        while not self._has_begun and time.monotonic() < deadline_s:
            if not self.listen(_LISTENER_POLL_S):
                return False
        return True

    def listen(self, limit_s: float) -> bool:
        """Take in what comes within `limit_s`; return False if the process has ended."""
        deadline_s = time.monotonic() + limit_s
        output: Any = self._process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(output, selectors.EVENT_READ)
            while (left_s := deadline_s - time.monotonic()) > 0:
                if not selector.select(left_s):
                    return True
                block = os.read(output.fileno(), _BLOCK_BYTES)
                if not block:
                    self._process.wait()
                    return False
                *lines, self._rest = (self._rest + block).split(b"\n")
                self._has_begun = self._has_begun or bool(lines)
                for line in lines:
                    self._latest.take(json.loads(line))
        return True


def _watch(listener: subprocess.Popen[bytes], latest: LatestValues) -> int:
    taking_in = _Listener(listener, latest)
    sys.stdout.write(terminal.CLEAR)
    try:
        while taking_in.listen(_RENEWAL_PERIOD_S):
            screen = terminal.of_output()
            found = latest.sorted()
            lines = [_NONE_YET]
            if found:
                lines = _lines(found, screen, time.time())
            sys.stdout.write(terminal.in_place(_fitted(lines, screen), screen))
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 0
    return int(listener.returncode)


def _lines(found: Sequence[Value], screen: Terminal, now_at: float) -> list[str]:
    """Return the table of values; on a terminal, a long text as value is cut to the room it has."""
    names = [one_line(value.name) for value in found]
    ages = [units.duration(max(0.0, now_at - value.at)) for value in found]
    cells = {"FIELD": names, "UNITS": [one_line(value.units) for value in found], "AGE": ages}
    shown = _COLUMNS_WITH_UNITS
    if not any(cells["UNITS"]):
        shown = _COLUMNS
        del cells["UNITS"]
    taken = sum(_longest(title, texts) + _GAP_COLUMNS for title, texts in cells.items())
    room = screen.width_columns - taken
    cells["VALUE"] = [_cut(_text(value.value), room, screen) for value in found]
    rows = [list(map(Cell, row)) for row in zip(*(cells[c.title] for c in shown), strict=True)]
    return table_lines(shown, rows, screen, dropped=["UNITS", "AGE"])


def _longest(title: str, texts: Sequence[str]) -> int:
    return max(map(len, (title, *texts)))


def _cut(text: str, room: int, screen: Terminal) -> str:
    limit = max(room, _LEAST_VALUE_COLUMNS)
    if not screen.interactive or len(text) <= limit:
        return text
    return text[: limit - len(screen.ellipsis)] + screen.ellipsis


def _fitted(lines: list[str], screen: Terminal) -> list[str]:
    """Return the lines that fit, and how many do not."""
    room = screen.height_lines - 1
    if len(lines) <= room:
        return lines
    more = len(lines) - room + 1
    return [*lines[: room - 1], f"and {more} more: name some, e.g. ocsd values AGENT --watch"]


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return one_line(str(value))
