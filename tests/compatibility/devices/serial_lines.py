"""Devices on serial lines that are not Lake Shore's."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ocsd.testing import SerialDevice
from tests.compatibility.devices.simulated import Simulated


def _crc(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def _weather() -> bytes:
    """Return one LOOP packet: 30.1 inHg, 68 °F outside, 11 mph."""
    packet = bytearray(97)
    packet[:5] = b"LOO\0\0"
    struct.pack_into("<hhBhB", packet, 7, 30100, 700, 40, 680, 11)
    return bytes(packet) + struct.pack(">H", _crc(packet))


@contextmanager
def weather_station(_: Path) -> Iterator[Simulated]:
    """Davis Vantage Pro 2: wakes at an empty line, acknowledges LOOP and sends a packet."""

    def answer(request: bytes) -> bytes:
        return b"\x06" + _weather() if request.startswith(b"LOOP") else b"\n\r"

    with SerialDevice(answer, terminator=b"\n", reply_terminator=b"") as device:
        arguments = ["--port", device.port, "--mode", "acq", "--sample-freq", 1]
        values = {"barometer": 30.1, "temp_outside": 20.0, "wind_speed": 11}
        yield Simulated(arguments, "weather_data", values)


@contextmanager
def phase_compensation(_: Path) -> Iterator[Simulated]:
    """Relays of the half-wave plate's phase compensation; every request is echoed."""

    def answer(request: bytes) -> bytes:
        text = request.strip()
        return text + b"\n\r" + (b"on\n\r" if text.startswith(b"relay read") else b"")

    with SerialDevice(answer, terminator=b"\n\r", reply_terminator=b"") as device:
        yield Simulated(["--port", device.port], "hwppcu", {"status": "on_2"})


SIMULATORS = {"HWPPCUAgent": phase_compensation, "VantagePro2Agent": weather_station}
