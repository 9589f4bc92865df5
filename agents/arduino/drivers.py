"""The Arduino's protocol, which is pure, and the serial port that it is spoken over.

A request is ``r17``, with a number that the author of the request chooses; the
reply is ``$17,0.4912,0.2201*3A``: that number, a voltage [V] for each analog input and,
as in NMEA 0183, the exclusive or of the bytes between ``$`` and ``*``. So neither a
line that lost a byte nor a late answer to an earlier request becomes data.
"""

import errno
import itertools
import math
import termios
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import xor
from typing import Any

import serial

BAUD = 115200
LONGEST_LINE = 256
"""Longest line [bytes]; a longer one is noise."""
REPLY_LIMIT_S = 1.0
REQUESTS = 3
"""Number of requests without an answer after which the device counts as lost."""
BOOT_LIMIT_S = 5.0
"""Time for the loader, because an Arduino resets when its port is opened [s]."""
SLICE_S = 0.05
"""Longest wait for the port in one call, and so for a stop [s]."""

_REASONS = {
    errno.ENOENT: "there is no such port; is the cable plugged in?",
    errno.EACCES: "no permission to open it; is the user in group dialout?",
    errno.EAGAIN: "another program has it open",  # what the lock of `exclusive` says
    errno.EBUSY: "another program has it open",
}


class DeviceError(Exception):
    """The device cannot be reached or does not answer; the message says why."""


class StoppedError(Exception):
    """The reading was given up because the operation has to end."""


class GarbledLineError(ValueError):
    """A line is not a reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of the device to one request."""

    number: int
    volts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """The voltages of all analog inputs at one moment."""

    taken_at: float
    """Unix time at which the reply had arrived [s]."""
    volts: tuple[float, ...]


def request(number: int) -> bytes:
    """Return the request with a number, its line ending included."""
    return b"r%d\r\n" % number


def reply(number: int, volts: tuple[float, ...]) -> bytes:
    """Return the device's answer, without line ending; for the simulator."""
    body = b",".join([b"%d" % number, *(b"%.4f" % each for each in volts)])
    return b"$%s*%02X" % (body, _checksum(body))


def parsed(line: bytes) -> Reply:
    """Return the reply in a line.

    Raises
    ------
    GarbledLineError
        If the line is something else: a boot message, noise, a part of a reply.
    """
    body, star, checksum = line[1:].partition(b"*")
    if line[:1] != b"$" or not star or checksum != b"%02X" % _checksum(body):
        raise GarbledLineError(f"{line!r} is not a reply")
    try:
        number, *words = body.decode("ascii").split(",")
        volts = tuple(float(word) for word in words)
        answered = Reply(int(number), volts)
    except ValueError:
        raise GarbledLineError(f"{line!r} holds something that is not a number") from None
    if not volts or not all(map(math.isfinite, volts)):
        raise GarbledLineError(f"{line!r} holds no voltages")
    return answered


def _checksum(body: bytes) -> int:
    return reduce(xor, body, 0)


class Lines:
    """Makes lines of the bytes that arrive from a port."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, arrived: bytes) -> Iterator[bytes]:
        """Return the lines that `arrived` completes, without their endings."""
        *lines, self._rest = (self._rest + arrived).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            # The end of a line that is too long cannot make it a reply.
            self._rest = self._rest[-LONGEST_LINE:]
        stripped = (line.rstrip(b"\r") for line in lines)
        return (line for line in stripped if line)


def _why(error: Exception) -> str:
    return _REASONS.get(getattr(error, "errno", None) or 0, f"the connection broke ({error})")


def open_port(path: str) -> Any:
    """Open a serial port for ourselves alone; no call on it waits for long."""
    return serial.Serial(path, BAUD, timeout=SLICE_S, write_timeout=REPLY_LIMIT_S, exclusive=True)


class Arduino:
    """One Arduino; not for several threads at once.

    Parameters
    ----------
    port : str
        Path of the serial port, preferably one of ``/dev/serial/by-id``.
    opener : callable
        Opens the port, given its path.
    clock
        Has ``time()`` and ``monotonic()`` [s]; the module `time` by default.

    Attributes
    ----------
    garbled_lines : int
        Number of lines that were skipped because they were not replies.
    """

    def __init__(
        self, port: str, opener: Callable[[str], Any] = open_port, clock: Any = time
    ) -> None:
        self.port = port
        self.garbled_lines = 0
        self._open = opener
        self._clock = clock
        self._serial: Any = None
        self._lines = Lines()
        self._numbers = itertools.count(1)

    def read(self, stopped: threading.Event) -> Reading:
        """Ask for a reading and return it; open the port if it is not open.

        Parameters
        ----------
        stopped : threading.Event
            Gives up once it is set.

        Raises
        ------
        DeviceError
            If the port cannot be opened or the device does not answer. The port is
            closed then; the next call opens it again.
        StoppedError
            If `stopped` was set before an answer came.
        """
        requests = REQUESTS
        try:
            if self._serial is None:
                self._serial, self._lines = self._open(self.port), Lines()
                requests = math.ceil(BOOT_LIMIT_S / REPLY_LIMIT_S)
            for _ in range(requests):
                reading = self._ask(stopped)
                if reading is not None:
                    return reading
        except (OSError, termios.error) as error:  # SerialException is an OSError
            self.close()
            raise DeviceError(f"{self.port}: {_why(error)}") from error
        self.close()
        raise DeviceError(
            f"{self.port}: open, but no answer to {requests} requests within "
            f"{requests * REPLY_LIMIT_S:g} s; is it the right device, with the right sketch?"
        )

    def close(self) -> None:
        """Close the port, if it is open."""
        port, self._serial = self._serial, None
        if port is not None:
            try:
                port.close()
            except (OSError, termios.error):
                return  # It is gone already.

    def _ask(self, stopped: threading.Event) -> Reading | None:
        """Return the answer to a new request; None if it is late."""
        number = next(self._numbers)
        self._serial.write(request(number))
        deadline_s = self._clock.monotonic() + REPLY_LIMIT_S
        while self._clock.monotonic() < deadline_s:
            if stopped.is_set():
                raise StoppedError
            arrived = self._serial.read(max(1, self._serial.in_waiting))
            taken_at = self._clock.time()
            for answered in self._replies(arrived):
                if answered.number == number:
                    return Reading(taken_at, answered.volts)
        return None

    def _replies(self, arrived: bytes) -> Iterator[Reply]:
        for line in self._lines.feed(arrived):
            try:
                yield parsed(line)
            except GarbledLineError:
                self.garbled_lines += 1
