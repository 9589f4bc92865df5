"""A simulated Arduino: its sketch on a pseudo-terminal.

``python -m ocsd_agents.arduino.simulator /tmp/arduino`` runs one until Ctrl-C.
"""

import math
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from ocsd_agents.arduino.drivers import reply

from ocsd.testing import SerialDevice

CHANNELS = 2
WAVE_PERIOD_S = 10.0


@dataclass(frozen=True, slots=True)
class SimulatedArduino:
    """A simulated device and the arguments with which the agent uses it."""

    device: SerialDevice
    arguments: list[str]


def answer(line: bytes) -> bytes | None:
    """Answer one request as the sketch does: with slow waves between 0 and 5 V."""
    if not line.startswith(b"r") or not line[1:].isdigit():
        return None
    phase = 2 * math.pi * time.time() / WAVE_PERIOD_S
    volts = tuple(2.5 + 2.5 * math.sin(phase + channel) for channel in range(CHANNELS))
    return reply(int(line[1:]), volts)


@contextmanager
def simulate(path: str | None = None) -> Iterator[SimulatedArduino]:
    """Run a simulated device.

    Parameters
    ----------
    path : str, optional
        Path of its port; by default in a new folder.
    """
    with SerialDevice(answer, terminator=b"\r\n", path=path) as device:
        yield SimulatedArduino(device, ["--port", device.port])


def main() -> None:
    """Run a simulated device at the path that the command line gives, until Ctrl-C."""
    with simulate(*sys.argv[1:2]) as simulation:
        sys.stdout.write(f"an Arduino is at {simulation.device.port}; Ctrl-C ends it\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()
