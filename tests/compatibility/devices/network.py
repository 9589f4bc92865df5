"""Devices on the network with a protocol of their own."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ocsd.testing import TcpDevice
from tests.compatibility.devices.simulated import Simulated, replies


@contextmanager
def relays(_: Path) -> Iterator[Simulated]:
    """Devantech dS378: one byte asks, a fixed number of bytes answers."""
    status = bytes([0x36, 1, 0, 1, 0, 121]) + struct.pack(">h", 253)
    table = {0x30: status, 0x33: bytes([0, 0, 0, 0, 0b101])}
    with TcpDevice(lambda request: table.get(request[0]), terminator=b"") as device:
        arguments = ["--ip_address", device.host, "--port", device.port]
        values = {"V_sppl": 12.1, "T_int": 25.3, "Relay_1": 1, "Relay_2": 0}
        yield Simulated(arguments, "relay", values)


@contextmanager
def laser(_: Path) -> Iterator[Simulated]:
    """Toptica DLC smart: a parameter in parentheses, a value and a prompt."""
    values = {
        "laser-operation:emission-global-enable": "#t",
        "lockin:mod-out-amplitude": "1.5",
        "lockin:mod-out-offset": "-0.5",
        "frequency:frequency-act": "109.5",
        "frequency:frequency-set": "110.0",
        "frequency:scan-mode-fast": "#t",
        "frequency:frequency-min": "120.0",
        "frequency:frequency-max": "180.0",
        "frequency:frequency-step": "0.05",
        "lockin:integration-time": "300.0",
        "lockin:lock-in-value-nanoamp": "(0.25 #t)",
    }

    def answer(request: bytes) -> bytes:
        name = request.decode().strip("() \r").partition("'")[2]
        return f"{values.get(name, '0')}\r\n> ".encode()

    with TcpDevice(answer, terminator=b"\n", reply_terminator=b"") as device:
        arguments = ["--ip", device.host, "--port", device.port, "--mode", "acq"]
        wanted = {"set_frequency": 110.0, "actual_frequency": 109.5, "photocurrent": 0.25}
        yield Simulated(arguments, "sampling_data", wanted)


@contextmanager
def rotation(_: Path) -> Iterator[Simulated]:
    """Omega CNi16D PID controller of the half-wave plate."""
    table = {"*X01": "X012.000", "*R01": "R014007D0", "*R02": "R02400000"}
    with TcpDevice(replies(table), terminator=b"\r\n", reply_terminator=b"\r") as device:
        arguments = ["--ip", device.host, "--port", device.port]
        yield Simulated(arguments, "hwppid", {"current_freq": 2.0, "target_freq": 2.0})


@contextmanager
def tilt(_: Path) -> Iterator[Simulated]:
    """DWL-5000XY: twelve bytes ask, twelve answer."""

    def answer(request: bytes) -> bytes | None:
        if request[1] != 1:
            return None  # it is only being set up
        x, y = (int(300000 + 10000 * angle).to_bytes(3, "little") for angle in (1.5, -0.5))
        # The driver takes the second number for X, high byte last.
        return b"\x61\x22" + y + x + bytes(4)

    with TcpDevice(answer, terminator=b"") as device:
        arguments = ["--ip-address", device.host, "--port", device.port, "--sensor-type", "DWL"]
        yield Simulated(arguments, "wgtiltsensor", {"angleX": 1.5, "angleY": -0.5})


SIMULATORS = {
    "DS378Agent": relays,
    "FLSAgent": laser,
    "HWPPIDAgent": rotation,
    "WiregridTiltSensorAgent": tilt,
}
