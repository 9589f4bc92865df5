"""The Arduino's protocol and its port, without a port."""

import errno
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocsd_agents.arduino.drivers import (
    BOOT_LIMIT_S,
    LONGEST_LINE,
    REQUESTS,
    Arduino,
    DeviceError,
    GarbledLineError,
    Lines,
    Reply,
    StoppedError,
    parsed,
    reply,
    request,
)


def test_a_request_is_a_line_with_its_number():
    assert request(17) == b"r17\r\n"


def test_a_reply_holds_number_voltages_and_checksum():
    assert reply(17, (0.4912, 0.2201)) == b"$17,0.4912,0.2201*09"
    assert parsed(b"$17,0.4912,0.2201*09") == Reply(17, (0.4912, 0.2201))


@given(st.integers(0, 2**31), st.lists(st.floats(-10, 10), min_size=1, max_size=8))
def test_what_the_device_says_is_what_the_driver_understands(number, volts):
    answered = parsed(reply(number, tuple(volts)))
    assert answered.number == number
    assert answered.volts == pytest.approx(volts, abs=5.1e-5)


@given(st.data())
def test_no_reply_that_lost_or_changed_a_byte_is_understood(data):
    line = reply(17, (0.4912, 0.2201))
    at = data.draw(st.integers(0, len(line) - 1))
    byte = data.draw(st.binary(max_size=1).filter(lambda byte: byte != line[at : at + 1]))
    damaged = line[:at] + byte + line[at + 1 :]
    with pytest.raises(GarbledLineError):
        parsed(damaged)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"ready.",
        b"$17*06",
        b"$*00",
        b"$x,1*65",
        b"\xff\x80",
        b"$\xb1\xb7*06",
        b"$17,inf*4B",
        b"0.4912$17,0.4912,0.2201*09",
    ],
)
def test_what_is_no_reply_is_refused(line):
    with pytest.raises(GarbledLineError):
        parsed(line)


@given(st.lists(st.binary(max_size=30)), st.lists(st.integers(1, 20)))
def test_lines_are_the_same_however_they_arrive(wanted, sizes):
    wanted = [line for line in (w.translate(None, b"\r\n") for w in wanted) if line]
    stream = b"".join(line + b"\r\n" for line in wanted)
    lines, found = Lines(), []
    for size in sizes:
        found += lines.feed(stream[:size])
        stream = stream[size:]
    found += lines.feed(stream)
    assert found == wanted


def test_noise_without_end_takes_no_memory():
    lines = Lines()
    for _ in range(1000):
        assert list(lines.feed(b"\xaa" * 100)) == []
    [noise] = lines.feed(b"\n")
    assert len(noise) <= LONGEST_LINE + 1


class FakePort:
    """A port in simulated time: each empty read takes a slice of a second."""

    def __init__(self):
        self.now_s = 1000.0
        self.opened = 0
        self.closed = 0
        self.asked = []
        self.arriving = [b""]
        self.answer = lambda number: reply(number, (1.5,)) + b"\r\n"
        self.error = None

    # The clock.

    def time(self):
        return self.now_s

    monotonic = time

    # pyserial's Serial.

    def open(self, path):
        if self.error:
            raise self.error
        self.opened += 1
        return self

    @property
    def in_waiting(self):
        return len(self.arriving[0])

    def write(self, line):
        if self.error:
            raise self.error
        number = int(line[1:])
        self.asked.append(number)
        answered = self.answer(number)
        self.arriving = [*answered] if isinstance(answered, list) else [answered]

    def read(self, count):
        self.now_s += 0.05
        return self.arriving.pop(0) if len(self.arriving) > 1 else self._last()

    def _last(self):
        last, self.arriving = self.arriving[0], [b""]
        return last

    def close(self):
        self.closed += 1


@pytest.fixture
def port():
    return FakePort()


@pytest.fixture
def arduino(port):
    return Arduino("/dev/ttyACM0", opener=port.open, clock=port)


@pytest.fixture
def stopped():
    return threading.Event()


def test_the_port_opens_once_and_each_request_has_a_new_number(arduino, port, stopped):
    readings = [arduino.read(stopped) for _ in range(3)]
    assert [reading.volts for reading in readings] == [(1.5,)] * 3
    assert port.opened == 1
    assert len(set(port.asked)) == 3


def test_a_reply_in_pieces_is_put_together(arduino, port, stopped):
    port.answer = lambda number: [b"$%d,0.4912" % number, b",0.2201*", reply_tail(number), b"\n"]
    assert arduino.read(stopped).volts == (0.4912, 0.2201)
    assert arduino.garbled_lines == 0


def reply_tail(number):
    return reply(number, (0.4912, 0.2201))[-2:] + b"\r"


def test_boot_messages_and_garbage_are_skipped_and_counted(arduino, port, stopped):
    port.answer = lambda number: (
        b"\x00\xffootloader\r\nready.\r\n" + reply(number, (0.1,)) + b"\r\n"
    )
    assert arduino.read(stopped).volts == (0.1,)
    assert arduino.garbled_lines == 2


def test_a_late_answer_to_an_earlier_request_is_no_reading(arduino, port, stopped):
    port.answer = lambda number: reply(number - 1, (9.9,)) + b"\r\n"
    with pytest.raises(DeviceError, match="no answer"):
        arduino.read(stopped)


def test_a_device_that_boots_is_given_time(arduino, port, stopped):
    begun_s = port.now_s
    port.answer = lambda number: (
        reply(number, (0.1,)) + b"\r\n" if port.now_s > begun_s + 0.7 * BOOT_LIMIT_S else b""
    )
    assert arduino.read(stopped).volts == (0.1,)
    assert port.opened == 1


def test_a_silent_device_is_asked_again_and_then_given_up(arduino, port, stopped):
    arduino.read(stopped)
    port.asked.clear()
    port.answer = lambda number: b""
    with pytest.raises(DeviceError, match="/dev/ttyACM0: open, but no answer to 3 requests"):
        arduino.read(stopped)
    assert len(port.asked) == REQUESTS
    assert port.closed == 1


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ENOENT, "is the cable plugged in"),
        (errno.EACCES, "group dialout"),
        (errno.EAGAIN, "another program has it open"),
        (errno.EIO, "the connection broke"),
    ],
)
def test_a_port_that_cannot_be_used_is_reported_with_the_reason(
    arduino, port, stopped, code, reason
):
    port.error = OSError(code, "text")
    with pytest.raises(DeviceError, match=f"/dev/ttyACM0: .*{reason}"):
        arduino.read(stopped)


def test_a_lost_port_is_opened_anew(arduino, port, stopped):
    arduino.read(stopped)
    port.error = OSError(errno.EIO, "gone")
    with pytest.raises(DeviceError):
        arduino.read(stopped)
    port.error = None
    assert arduino.read(stopped).volts == (1.5,)
    assert (port.opened, port.closed) == (2, 1)


def test_a_stop_is_heard_while_waiting_for_an_answer(arduino, port, stopped):
    def set_and_be_silent(number):
        stopped.set()
        return b""

    port.answer = set_and_be_silent
    begun_s = port.now_s
    with pytest.raises(StoppedError):
        arduino.read(stopped)
    assert port.now_s - begun_s < 0.1
