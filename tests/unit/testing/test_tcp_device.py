"""A device on the network, driven by sockets."""

import socket

import pytest

from ocsd.testing import TcpDevice
from ocsd.testing.patience import wait_until

PATIENCE_S = 20.0


@pytest.fixture
def device():
    with TcpDevice(lambda request: request.upper() or None, terminator=b"\n") as device:
        yield device


def connected(device, timeout_s=PATIENCE_S):
    return socket.create_connection((device.host, device.port), timeout=timeout_s)


def asked(connection, request):
    connection.sendall(request + b"\n")
    return connection.recv(100)


def test_several_drivers_are_answered_at_once(device):
    with connected(device) as one, connected(device) as two:
        assert asked(one, b"first") == b"FIRST\n"
        assert asked(two, b"second") == b"SECOND\n"
        assert asked(one, b"third") == b"THIRD\n"
    assert device.requests == [b"first", b"second", b"third"]


def test_what_is_sent_unasked_arrives_everywhere(device):
    with connected(device) as one, connected(device) as two:
        asked(one, b"a")
        asked(two, b"b")
        device.send(b"12.5\n")
        assert (one.recv(100), two.recv(100)) == (b"12.5\n", b"12.5\n")


def test_a_mute_device_keeps_the_connection(device):
    with connected(device, timeout_s=0.1) as driver:
        device.mute()
        with pytest.raises(TimeoutError):
            asked(driver, b"a")
        wait_until(lambda: device.requests, PATIENCE_S)
        device.normal()
        driver.settimeout(PATIENCE_S)
        assert asked(driver, b"b") == b"B\n"


def test_a_dropped_connection_can_be_made_again(device):
    with connected(device) as driver:
        assert asked(driver, b"a") == b"A\n"
        device.drop()
        assert driver.recv(100) == b""
    with connected(device) as driver:
        assert asked(driver, b"b") == b"B\n"


def test_an_unplugged_device_refuses_until_it_is_back_on_the_same_port(device):
    with connected(device) as driver:
        asked(driver, b"a")
        device.unplug()
        assert driver.recv(100) == b""
    with pytest.raises(ConnectionRefusedError):
        connected(device)
    port = device.port
    device.replug()
    assert device.port == port
    with connected(device) as driver:
        assert asked(driver, b"b") == b"B\n"


def test_a_driver_that_goes_before_the_slow_reply_harms_nobody(device):
    device.slow(0.05)
    with connected(device) as driver:
        driver.sendall(b"a\n")
    with connected(device) as driver:
        assert asked(driver, b"b") == b"B\n"


def test_binary_rubbish_has_the_length_of_the_answer():
    with TcpDevice(lambda request: request, terminator=b"") as device:
        device.garble()
        with connected(device) as driver:
            driver.sendall(b"abc")
            rubbish = driver.recv(100)
    assert len(rubbish) == 3
    assert rubbish != b"abc"
