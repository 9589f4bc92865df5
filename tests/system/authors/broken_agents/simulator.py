"""The thermometer of the agents in this folder: asked for T?, it says how warm it is."""

from contextlib import contextmanager
from dataclasses import dataclass

from ocsd.testing import SerialDevice


@dataclass
class Simulation:
    device: SerialDevice
    arguments: list


@contextmanager
def simulate():
    with SerialDevice(lambda request: b"4.2" if request == b"T?" else None) as device:
        yield Simulation(device, ["--port", device.port])
