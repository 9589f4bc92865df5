"""Asks chrony or systemd-timesyncd how far the clock of this machine is off."""

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

from twisted.internet.threads import deferToThread

from ocsd.daemon.instances.ports import Clock
from ocsd.reactor.repeating import repeating

ASK_PERIOD_S: Final = 120.0
ANSWER_LIMIT_S: Final = 2.0

_CHRONY_FIELDS: Final = 14
_CHRONY_OFFSET, _CHRONY_LEAP = 4, 13
"""Number and places of the values of `chronyc -c tracking` (chronyc(1))."""

_OFFSET: Final = re.compile(r"^\s*Offset: (.+)$", re.MULTILINE)
_SPAN: Final = re.compile(r"([0-9.]+)\s*(min|us|ms|s|h|d)")
_UNITS_S: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}

Run = Callable[[tuple[str, ...]], str | None]


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """The answer of the program that keeps the clock."""

    source: str
    """The program."""
    synchronised: bool
    """Whether it follows a reference at all."""
    offset_s: float | None
    """Offset of the clock, without sign [s]; None if it does not tell."""
    asked_at: float
    """When it was asked [Unix s]."""

    def as_json(self) -> dict[str, Any]:
        """Return the fields by name."""
        return asdict(self)


def of_chrony(answer: str, asked_at: float) -> ClockOffset | None:
    """Return the answer of ``chronyc -c tracking``; None if it is none."""
    values = answer.strip().split(",")
    if len(values) != _CHRONY_FIELDS:
        return None
    if values[_CHRONY_LEAP] == "Not synchronised":
        return ClockOffset("chrony", False, None, asked_at)
    try:
        return ClockOffset("chrony", True, abs(float(values[_CHRONY_OFFSET])), asked_at)
    except ValueError:
        return None


def of_timesyncd(answer: str, asked_at: float) -> ClockOffset | None:
    """Return the answer of ``timedatectl timesync-status``; None if it is none."""
    if "Server:" not in answer:
        return None
    found = _OFFSET.search(answer)
    if found is None:
        return ClockOffset("systemd-timesyncd", False, None, asked_at)
    offset_s = sum(float(number) * _UNITS_S[unit] for number, unit in _SPAN.findall(found[1]))
    return ClockOffset("systemd-timesyncd", True, offset_s, asked_at)


_PROGRAMS: Final = (
    (("chronyc", "-c", "tracking"), of_chrony),
    (("timedatectl", "timesync-status"), of_timesyncd),
)
"""In `timedatectl show-timesync` the times have whole seconds only."""


def ask(run: Run, now_at: Callable[[], float] = time.time) -> ClockOffset | None:
    """Ask the programs that may keep the clock; None if none of them tells.

    `run` returns the output of a command, or None if it is not there or fails.
    """
    for command, read in _PROGRAMS:
        answer = run(command)
        # Another release of a program may answer in other words.
        with suppress(ValueError, KeyError):
            if answer and (offset := read(answer, now_at())):
                return offset
    return None


def output_of(command: tuple[str, ...]) -> str | None:
    """Return the output of a command; None if it is not there, fails or takes too long."""
    if shutil.which(command[0]) is None:
        return None
    environment = {**os.environ, "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=ANSWER_LIMIT_S,
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return done.stdout


class ClockWatch:
    """Remembers the last answer; a thread asks, because a program may be slow."""

    def __init__(self, clock: Clock, ask: Callable[[], ClockOffset | None]) -> None:
        self.offset: ClockOffset | None = None
        self._ask = ask
        self._asking = repeating(self._ask_in_thread, clock)

    def start(self) -> None:
        """Ask now and then."""
        self._asking.start(ASK_PERIOD_S)

    def _ask_in_thread(self) -> Any:
        return deferToThread(self._ask).addCallback(self._answered)

    def _answered(self, offset: ClockOffset | None) -> None:
        self.offset = offset
