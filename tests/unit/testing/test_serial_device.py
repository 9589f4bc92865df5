"""A device on a pseudo-terminal, driven by pyserial as an agent's driver would."""

import os
import threading
from pathlib import Path

import pytest
import serial

from ocsd.testing import SerialDevice
from ocsd.testing.patience import wait_until

PATIENCE_S = 20.0
GONE = OSError
"""What pyserial raises when a cable is pulled; a SerialException is one."""


def counter():
    """Return a device that counts what it is asked."""
    count = 0

    def answer(request):
        nonlocal count
        count += 1
        return b"%s %d" % (request, count) if request.startswith(b"read") else None

    return answer


@pytest.fixture
def device():
    with SerialDevice(counter(), terminator=b"\r\n") as device:
        yield device


def opened(device, timeout_s=PATIENCE_S):
    return serial.Serial(device.port, 115200, timeout=timeout_s, write_timeout=PATIENCE_S)


def asked(port, request=b"read"):
    port.write(request + b"\r\n")
    return port.read_until(b"\r\n")


def test_a_request_is_answered_and_remembered(device):
    with opened(device) as port:
        assert asked(port) == b"read 1\r\n"
        assert asked(port, b"read T") == b"read T 2\r\n"
    assert device.requests == [b"read", b"read T"]


def test_a_request_that_comes_in_pieces_is_one_and_two_at_once_are_two(device):
    with opened(device) as port:
        port.write(b"read")
        port.flush()
        port.write(b" A\r")
        port.write(b"\nread B\r\n")
        assert port.read_until(b"\r\n") == b"read A 1\r\n"
        assert port.read_until(b"\r\n") == b"read B 2\r\n"


def test_every_byte_passes_as_it_is():
    every = bytes(range(256))
    with (
        SerialDevice(lambda request: request, terminator=b"", reply_terminator=b"") as device,
        opened(device) as port,
    ):
        port.write(every)
        assert port.read(256) == every


def test_a_reply_larger_than_the_line_holds_arrives_whole():
    reply = bytes(65000)
    with SerialDevice(lambda request: reply) as device, opened(device) as port:
        port.write(b"dump\r\n")
        assert port.read(len(reply)) == reply


def test_a_port_is_opened_again_and_again(device):
    for number in (1, 2, 3):
        with opened(device) as port:
            assert asked(port) == b"read %d\r\n" % number


def test_what_is_sent_unasked_arrives(device):
    with opened(device) as port:
        device.send(b"12.5\r\n")
        assert port.read_until(b"\r\n") == b"12.5\r\n"


def test_a_mute_device_says_nothing_until_it_is_normal(device):
    with opened(device, timeout_s=0.05) as port:
        device.mute()
        assert asked(port) == b""
        # On a busy machine, its thread reads the request only after the port has given up.
        wait_until(lambda: device.requests, PATIENCE_S)
        assert device.requests == [b"read"]
        device.normal()
        port.timeout = PATIENCE_S
        assert asked(port) == b"read 1\r\n"


def test_a_slow_device_answers_late(device):
    with opened(device, timeout_s=0.02) as port:
        device.slow(0.3)
        assert asked(port) == b""
        port.timeout = PATIENCE_S
        assert port.read_until(b"\r\n") == b"read 1\r\n"


def test_a_garbling_device_sends_lines_of_rubbish(device):
    with opened(device) as port:
        device.garble()
        line = asked(port)
        assert (len(line), line[-2:]) == (8, b"\r\n")
        with pytest.raises(UnicodeDecodeError):
            line.decode()


def test_half_an_answer_has_no_end(device):
    with opened(device) as port:
        device.cut_short()
        port.write(b"read\r\n")
        assert port.read(3) == b"rea"
        port.timeout = 0.05
        assert port.read() == b""


def test_a_pulled_cable_takes_the_port_away_and_is_an_error_for_who_has_it_open(device):
    with opened(device) as port:
        device.unplug()
        assert not os.path.lexists(device.port)
        with pytest.raises(GONE):
            asked(port)
    with pytest.raises(serial.SerialException):
        opened(device)


def test_who_waits_for_an_answer_notices_the_pulled_cable(device):
    device.mute()
    with opened(device) as port:
        pull = threading.Timer(0.1, device.unplug)
        pull.start()
        with pytest.raises(GONE):
            asked(port)
        pull.join()


def test_a_cable_put_back_has_the_same_name(device):
    before = device.port
    with opened(device) as port:
        assert asked(port) == b"read 1\r\n"
        device.unplug()
        device.replug()
        with pytest.raises(GONE):  # the old one stays dead, like a file of a gone ttyUSB0
            asked(port)
    assert device.port == before
    with opened(device) as port:
        assert asked(port) == b"read 2\r\n"


def test_nothing_is_left_behind(device):
    with SerialDevice(counter()) as device:
        folder = Path(device.port).parent
        thread = next(each for each in threading.enumerate() if each.name == repr(device))
    assert not folder.exists()
    assert not thread.is_alive()


def test_the_port_appears_where_it_is_asked_for(tmp_path):
    with SerialDevice(counter(), path=tmp_path / "responder") as device:
        assert device.port == str(tmp_path / "responder")
        with opened(device) as port:
            assert asked(port) == b"read 1\r\n"
    assert not os.path.lexists(device.port)


def test_a_mistake_in_the_answer_is_the_tests_error():
    def answer(request):
        raise KeyError(request)

    def use(device):
        with device, opened(device) as port:
            port.write(b"read\r\n")
            wait_until(lambda: device.requests, PATIENCE_S)

    with pytest.raises(KeyError):
        use(SerialDevice(answer))


def test_a_device_that_was_not_started_says_how_to_start_it():
    device = SerialDevice(counter())
    with pytest.raises(RuntimeError, match="with statement"):
        device.unplug()
    device.close()
