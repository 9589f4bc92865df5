"""Devices that speak Modbus over TCP."""

import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ocsd.testing import TcpDevice
from tests.compatibility.devices.simulated import Simulated


def registers(value: Callable[[int], int]) -> Callable[[bytes], bytes | None]:
    """Return a device that answers "read registers" with the value of each."""

    def answer(request: bytes) -> bytes | None:
        unit, function, first, count = struct.unpack(">6xBBHH", request[:12])
        words = [value(first + index) for index in range(count)]
        body = struct.pack(f">BBB{count}H", unit, function, 2 * count, *words)
        return request[:4] + struct.pack(">H", len(body)) + body

    return answer


def _float(number: float) -> Sequence[int]:
    return struct.unpack(">HH", struct.pack(">f", number))


@contextmanager
def scale(_: Path) -> Iterator[Simulated]:
    """Hardy HI 6200: both registers alike, for its driver in socs 0.6.4 takes one twice."""
    (word, _low) = _float(12.5)
    with TcpDevice(registers(lambda _: word), terminator=b"") as device:
        (both,) = struct.unpack(">f", struct.pack(">HH", word, word))
        yield Simulated(
            ["--ip-address", device.host, "--tcp-port", device.port],
            "scale_output",
            {"Gross": both, "Net": both},
            [("init", {}), ("monitor_weight", {})],
        )


@contextmanager
def generator(folder: Path) -> Iterator[Simulated]:
    """A diesel generator's controller; instances.yaml has its register map."""
    with TcpDevice(registers(lambda number: number), terminator=b"") as device:
        arguments = ["--host", device.host, "--port", device.port, "--mode", "acq"]
        arguments += ["--configdir", "lab", "--sample-interval", 1]
        yield Simulated(arguments, "generator", {"Oil_pressure": 1024.0})


@contextmanager
def compressor(_: Path) -> Iterator[Simulated]:
    """Cryomech CPA: input registers from 1 on, floats with their halves exchanged."""
    values = dict.fromkeys(range(1, 54), 0)
    for register, number in ((7, 18.5), (9, 26.25), (15, 88.0), (27, 17.5)):
        high, low = _float(number)
        values[register], values[register + 1] = low, high
    with TcpDevice(registers(lambda number: values.get(number, 0)), terminator=b"") as device:
        arguments = ["--ip-address", device.host, "--port", device.port]
        yield Simulated(
            [*arguments, "--serial-number", "CPA1", "--mode", "acq"],
            "ptc_status",
            {"Coolant_In_Temp": 18.5, "Coolant_Out_Temp": 26.25},
        )


SIMULATORS = {
    "CryomechCPAAgent": compressor,
    "GeneratorAgent": generator,
    "Hi6200Agent": scale,
}
