"""The common part of simulated devices on a serial line and on the network.

One thread per device waits for everything at once: requests, room for replies,
the moment when a slow reply is due, and orders of the test. Only this thread
touches the file descriptors, so that none is closed while another waits for it.
"""

import os
import queue
import selectors
import threading
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum, auto
from typing import Self

Answer = Callable[[bytes], bytes | None]
"""The behaviour of a device: returns the reply to a request, or None for no reply."""

FAULTS = ("mute", "slow", "garbled", "cut short", "unplugged")
"""The faults for `Device.fail`."""

SLOW_S = 2.0
ORDER_LIMIT_S = 10.0
UNREAD_LIMIT_BYTES = 65536
"""Unread data are kept up to this size; the rest is lost, as on a real line."""


class _Fault(Enum):
    NONE = auto()
    MUTE = auto()
    SLOW = auto()
    GARBLED = auto()
    CUT_SHORT = auto()


class Line(ABC):
    """One open connection to a driver, by a non-blocking file descriptor."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.received = b""
        self.unsent = bytearray()

    def read(self) -> bytes:
        """Return what has arrived; empty when the driver has hung up."""
        return os.read(self.descriptor, 4096)

    def write(self, data: bytes) -> int:
        """Send as much as there is room for; return the number of bytes sent."""
        return os.write(self.descriptor, data)

    @abstractmethod
    def close(self) -> None:
        """Hang up."""


class Device(ABC):
    """A device of a test, which answers a driver and can be made to fail.

    Parameters
    ----------
    answer : callable
        Gets one request without its terminator, returns the reply or None.
    terminator : bytes
        Ends a request. Empty: whatever arrives at once is a request.
    reply_terminator : bytes, optional
        Put behind a reply that does not end with it; by default `terminator`.

    Attributes
    ----------
    requests : list of bytes
        The requests to the device, the oldest first.
    """

    def __init__(
        self, answer: Answer, terminator: bytes, reply_terminator: bytes | None = None
    ) -> None:
        self.requests: list[bytes] = []
        self._answer = answer
        self._terminator = terminator
        self._reply_terminator = terminator
        if reply_terminator is not None:
            self._reply_terminator = reply_terminator
        self._fault = _Fault.NONE
        self._delay_s = 0.0
        self._lines: list[Line] = []
        self._replies: list[tuple[float, Line, bytes]] = []
        self._orders: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._selector = selectors.DefaultSelector()
        self._error: Exception | None = None
        self._ending = False
        self._thread: threading.Thread | None = None

    # For the test.

    def start(self) -> None:
        """Plug the device in and serve it from now on."""
        self._wake_in, self._wake_out = os.pipe()
        self._selector.register(self._wake_in, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._serve, name=repr(self), daemon=True)
        self._thread.start()
        self.replug()

    def close(self) -> None:
        """Unplug the device and end its thread."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._order(self._end, thread)
        thread.join(ORDER_LIMIT_S)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _where: object) -> None:
        self.close()
        if error is None and self._error is not None:
            raise self._error

    def mute(self) -> None:
        """Swallow requests from now on, and say nothing unasked."""
        self._fault = _Fault.MUTE

    def slow(self, delay_s: float) -> None:
        """Reply only after a while from now on.

        Parameters
        ----------
        delay_s : float
            The while [s].
        """
        self._delay_s = delay_s
        self._fault = _Fault.SLOW

    def garble(self) -> None:
        """Send bytes that are no text in place of all data from now on."""
        self._fault = _Fault.GARBLED

    def cut_short(self) -> None:
        """Send the first half of every reply from now on, without its terminator."""
        self._fault = _Fault.CUT_SHORT

    def fail(self, fault: str) -> None:
        """Fail from now on.

        Parameters
        ----------
        fault : str
            How: one of `FAULTS`.

        Raises
        ------
        ValueError
            If it is none of them.
        """
        match fault:
            case "mute":
                self.mute()
            case "slow":
                self.slow(SLOW_S)
            case "garbled":
                self.garble()
            case "cut short":
                self.cut_short()
            case "unplugged":
                self.unplug()
            case _:
                raise ValueError(f"a device can be {', '.join(FAULTS)}, not {fault!r}")

    def normal(self) -> None:
        """Work well again. What is unplugged stays unplugged."""
        self._fault = _Fault.NONE

    def unplug(self) -> None:
        """Pull the cable: the port is gone and whoever has it open gets an error."""
        self._order(self._unplug)

    def replug(self) -> None:
        """Put the cable back; the port has the same name as before."""
        self._order(self._replug)

    def send(self, data: bytes) -> None:
        """Send something unasked, as devices do that print their readings.

        Parameters
        ----------
        data : bytes
            Sent as it is to every driver that listens; its terminator belongs to it.
        """
        self._order(lambda: self._emit(self._lines, data))

    # What the kinds of devices differ in; called in the device's thread.

    @abstractmethod
    def _plug_in(self) -> None:
        """Make the port appear."""

    @abstractmethod
    def _pull_out(self) -> None:
        """Make the port disappear; the lines are closed already."""

    # The device's thread.

    def _order(self, order: Callable[[], None], thread: threading.Thread | None = None) -> None:
        """Have the device's thread do something and wait for it."""
        thread = thread or self._thread
        if thread is None:
            raise RuntimeError(f"{self!r} is not started; use it in a with statement")
        done: Future[None] = Future()

        def obey() -> None:
            try:
                order()
            except Exception as error:  # noqa: BLE001 - belongs to who gave the order
                done.set_exception(error)
            else:
                done.set_result(None)

        self._orders.put(obey)
        os.write(self._wake_out, b"!")
        done.result(timeout=ORDER_LIMIT_S)

    def _serve(self) -> None:
        while not self._ending:
            for key, events in self._selector.select(self._until_next_reply_s()):
                if key.fd == self._wake_in:
                    os.read(self._wake_in, 1)
                    self._orders.get_nowait()()
                else:
                    key.data(events)
            self._send_due_replies()
        self._selector.close()
        os.close(self._wake_in)
        os.close(self._wake_out)

    def _end(self) -> None:
        self._ending = True
        self._unplug()

    def _replug(self) -> None:
        self._unplug()
        self._plug_in()

    def _unplug(self) -> None:
        self._drop_all()
        self._pull_out()

    def _drop_all(self) -> None:
        for line in list(self._lines):
            self._drop(line)

    def _add(self, line: Line) -> None:
        self._lines.append(line)

        def on_event(events: int) -> None:
            # An order may have dropped the line since it was found ready.
            if events & selectors.EVENT_WRITE and line in self._lines:
                self._flush(line)
            if events & selectors.EVENT_READ and line in self._lines:
                self._read(line)

        self._selector.register(line.descriptor, selectors.EVENT_READ, on_event)

    def _drop(self, line: Line) -> None:
        self._lines.remove(line)
        self._replies = [each for each in self._replies if each[1] is not line]
        self._selector.unregister(line.descriptor)
        line.close()

    def _read(self, line: Line) -> None:
        try:
            data = line.read()
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(line)
            return
        *requests, line.received = self._split(line.received + data)
        for request in requests:
            self._asked(line, request)

    def _split(self, data: bytes) -> list[bytes]:
        if not self._terminator:
            return [data, b""]
        return data.split(self._terminator)

    def _asked(self, line: Line, request: bytes) -> None:
        self.requests.append(request)
        if self._fault is _Fault.MUTE:
            return
        try:
            reply = self._answer(request)
        except Exception as error:  # noqa: BLE001 - the test's code; the test shall see it
            traceback.print_exc()
            self._error = self._error or error
            return
        if reply is None:
            return
        if self._fault is _Fault.CUT_SHORT:
            reply = reply[: len(reply) // 2]
        elif not reply.endswith(self._reply_terminator):
            reply += self._reply_terminator
        due_s = time.monotonic()
        if self._fault is _Fault.SLOW:
            due_s += self._delay_s
        self._replies.append((due_s, line, reply))

    def _until_next_reply_s(self) -> float | None:
        if not self._replies:
            return None
        return max(0.0, min(due for due, _, _ in self._replies) - time.monotonic())

    def _send_due_replies(self) -> None:
        now = time.monotonic()
        due = [each for each in self._replies if each[0] <= now]
        self._replies = [each for each in self._replies if each[0] > now]
        for _, line, reply in due:
            self._emit([line], reply)

    def _emit(self, lines: list[Line], data: bytes) -> None:
        if self._fault is _Fault.MUTE:
            return
        if self._fault is _Fault.GARBLED:
            data = garbled(data, self._reply_terminator)
        for line in [each for each in lines if each in self._lines]:
            room = UNREAD_LIMIT_BYTES - len(line.unsent)
            line.unsent += data[:room]
            self._flush(line)

    def _flush(self, line: Line) -> None:
        try:
            while line.unsent:
                del line.unsent[: line.write(bytes(line.unsent))]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(line)
            return
        waits_for = selectors.EVENT_READ
        if line.unsent:
            waits_for |= selectors.EVENT_WRITE
        key = self._selector.get_key(line.descriptor)
        self._selector.modify(line.descriptor, waits_for, key.data)


def garbled(data: bytes, terminator: bytes) -> bytes:
    """Return data of the same length that are neither ASCII nor UTF-8.

    Each `terminator` stays as it is, so that a driver gets a line, but with rubbish in it.
    """
    if not terminator:
        return bytes(byte ^ 0x95 for byte in data)
    pieces = data.split(terminator)
    return terminator.join(bytes(byte ^ 0x95 for byte in piece) for piece in pieces)
