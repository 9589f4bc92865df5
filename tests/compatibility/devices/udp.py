"""Devices that send datagrams to their agent."""

import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.compatibility.devices.simulated import Simulated, repeating
from tests.compatibility.fleet import free_port

LIGHTNING_PORT = 1110


@contextmanager
def _sending(port: int, datagram: Callable[[], bytes], every_s: float = 0.5) -> Iterator[None]:
    with (
        socket.socket(type=socket.SOCK_DGRAM) as line,
        repeating(lambda: line.sendto(datagram(), ("127.0.0.1", port)), every_s),
    ):
        yield


@contextmanager
def lightning(_: Path) -> Iterator[Simulated]:
    """A lightning detector's field sentences, to the port that the agent has built in."""
    with _sending(LIGHTNING_PORT, lambda: b"$+00.28,0*CE\r\n"):
        yield Simulated(["--mode", "acq"], "ld_monitor", {"field_value": 0.28, "rot_fault": 0})


@contextmanager
def smurf(folder: Path) -> Iterator[Simulated]:
    """A SMuRF streamer's metadata."""
    port = free_port(socket.SOCK_DGRAM)

    def metadata() -> bytes:
        payload = {"path": "root.temperature", "value": 42.5, "type": "double"}
        head = {"id": "STREAMER:lab", "type": "metadata", "time": time.time()}
        return json.dumps({**head, "payload": payload}).encode()

    with _sending(port, metadata):
        arguments = [
            "--udp-port",
            port,
            "--create-table",
            True,
            "--db-path",
            folder / "suprsync.db",
        ]
        yield Simulated(arguments, "lab_meta", {"roottemperature": 42.5})


def _packets(length: int, body: Callable[[int], bytes]) -> Callable[[], bytes]:
    """Return the next packet of a counter that goes on from packet to packet."""
    first = [0]

    def packet() -> bytes:
        first[0] += length
        return struct.pack("<I", 0x1EAF) + body(first[0])

    return packet


@contextmanager
def half_wave_plate(_: Path) -> Iterator[Simulated]:
    """The encoder's BeagleBone: 120 edges in a packet, 1 ms apart."""
    port, length = free_port(socket.SOCK_DGRAM), 120

    def body(first: int) -> bytes:
        clocks = [200_000 * (first + index) & 0xFFFFFFFF for index in range(length)]
        counts = [first + index for index in range(length)]
        return struct.pack(f"<{1 + 3 * length}I", 1, *clocks, *[0] * length, *counts)

    # The agent publishes every 35 packets.
    with _sending(port, _packets(length, body), every_s=0.05):
        arguments = ["--port", port, "--ip", "127.0.0.1"]
        yield Simulated(arguments, "HWPEncoder", {"diff_counter_mean": 200_000.0})


@contextmanager
def wire_grid(_: Path) -> Iterator[Simulated]:
    """The wire grid's BeagleBone: 100 edges in a packet."""
    port, length = free_port(socket.SOCK_DGRAM), 100

    def body(first: int) -> bytes:
        clocks = [200_000 * (first + index) & 0xFFFFFFFF for index in range(length)]
        counts = [(first + index) % 52_000 for index in range(length)]
        ones, zeros = [1] * length, [0] * length
        return struct.pack(f"<{5 * length}I", *ones, *clocks, *zeros, *counts, *zeros)

    with _sending(port, _packets(length, body)):
        yield Simulated(["--port", port], "wgencoder_rough", {"quadrature": 1, "error": 0})


SIMULATORS = {
    "HWPBBBAgent": half_wave_plate,
    "LDMonitorAgent": lightning,
    "PysmurfMonitor": smurf,
    "WiregridEncoderAgent": wire_grid,
}
