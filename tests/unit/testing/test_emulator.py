"""Devices made of a table, as socs's tests use them."""

import socket

import pytest
import serial

from ocsd.testing import DeviceEmulator, create_device_emulator

PATIENCE_S = 20.0

on_the_network = create_device_emulator({"*IDN?": "LSCI,MODEL425"}, "tcp", port=0)
on_a_line = create_device_emulator({"*IDN?": "LSCI,MODEL425"}, relay_type="serial")
in_bytes = create_device_emulator({b"\x01\x02": b"\xff\x00"}, "tcp", port=0, encoding=None)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def connected(emulator):
    return socket.create_connection(("127.0.0.1", emulator.socket_port), timeout=PATIENCE_S)


def asked(connection, request):
    connection.sendall(request)
    return connection.recv(100)


def test_a_device_on_the_network_answers_from_its_table(on_the_network):
    with connected(on_the_network) as driver:
        assert asked(driver, b"*IDN?\r\n") == b"LSCI,MODEL425"
        on_the_network.define_responses({"T?": ["1", "2"]}, default_response="what?")
        assert [asked(driver, b"T?") for _ in range(2)] == [b"1", b"2"]
        assert asked(driver, b"*IDN?") == b"what?"
        on_the_network.update_responses({"P?": "3"})
        assert asked(driver, b"P?") == b"3"


def test_a_device_on_a_line_ends_its_replies(on_a_line):
    with serial.Serial("./responder", 57600, timeout=PATIENCE_S) as port:
        port.write(b"*IDN?\n")
        assert port.readline() == b"LSCI,MODEL425\r\n"


def test_bytes_stay_bytes(in_bytes):
    with connected(in_bytes) as driver:
        assert asked(driver, b"\x01\x02") == b"\xff\x00"


def test_the_table_that_was_given_is_left_alone():
    table = {"T?": ["1", "2"]}
    emulator = DeviceEmulator(table)
    assert [emulator.get_response("T?") for _ in range(3)] == ["1", "2", None]
    assert table == {"T?": ["1", "2"]}


def test_the_device_of_an_emulator_can_be_made_to_fail(on_the_network):
    on_the_network.device.unplug()
    with pytest.raises(ConnectionRefusedError):
        connected(on_the_network)


def test_an_unknown_kind_of_relay_is_refused():
    with pytest.raises(NotImplementedError, match="'usb'"):
        create_device_emulator({}, "usb")
