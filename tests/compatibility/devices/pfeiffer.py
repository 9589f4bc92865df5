"""Pfeiffer Vacuum: a gauge controller and a turbo pump."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ocsd.testing import TcpDevice
from tests.compatibility.devices.simulated import Simulated

_ACK = b"\x06\r\n"
_ENQUIRY = b"\x05"


@contextmanager
def gauges(_: Path) -> Iterator[Simulated]:
    """TPG 366: a mnemonic is acknowledged, an enquiry then gets the values."""
    asked = [b""]

    def answer(request: bytes) -> bytes:
        if request == _ENQUIRY:
            return b",".join(b"0,+%d.2000E-03" % number for number in range(1, 7)) + b"\r\n"
        asked[0] = request
        return _ACK

    with TcpDevice(answer, terminator=b"") as device:
        arguments = ["--ip_address", device.host, "--port", device.port]
        values = {"pressure_ch1": 1.2e-3, "pressure_ch6": 6.2e-3}
        yield Simulated(arguments, "pressures", values)


@contextmanager
def turbo(_: Path) -> Iterator[Simulated]:
    """TC 400: address, action, parameter, length, data, checksum."""
    data = {303: "000000", 309: "000820", 310: "000300", 313: "004800", 316: "000140"}

    def answer(request: bytes) -> bytes:
        address, parameter = request[:3].decode(), int(request[5:8])
        value = data.get(parameter, "000042")
        text = f"{address}10{parameter:03d}{len(value):02d}{value}"
        return f"{text}{sum(text.encode()) % 256:03d}".encode()

    with TcpDevice(answer, terminator=b"\r") as device:
        arguments = ["--ip-address", device.host, "--port-number", device.port]
        values = {"Drive_Voltage": 48.0, "Drive_Current": 3.0, "Turbo_Motor_Temp": 42}
        yield Simulated(
            [*arguments, "--turbo-address", 94, "--mode", "acq"], "pfeiffer_turbo", values
        )


SIMULATORS = {"PfeifferAgent": gauges, "PfeifferTC400Agent": turbo}
