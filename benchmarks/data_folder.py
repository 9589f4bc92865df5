"""How fast `ocsd data` is: a recording of 50 agents, checked, listed and exported.

``python -m benchmarks.data_folder [--agents N] [--hours H] [--keep FOLDER]`` writes
a data folder as the aggregator does (each agent 16 floats at 4 Hz, a file an hour,
a frame every five minutes), then runs the commands of `ocsd data` on it as
processes of their own, and prints a markdown table.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ocsd.aggregator.disk.archive import G3Files
from ocsd.aggregator.frames.frames import RecordingRun
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.recording.recorder import Recorder

FIELDS = 16
RATE_HZ = 4
MESSAGE_S = 60
START_AT = 1_795_328_225.25
ONE_FIELD = "bench-01.feeds.temps.channel_03"


class HandClock:
    """Both clocks, moved by hand from a Unix time on [s]."""

    def __init__(self, start_at: float = START_AT) -> None:
        self.now = Instant(at=start_at, mono_s=0.0)

    def __call__(self) -> Instant:
        """Return the present."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass [s]."""
        self.now = Instant(at=self.now.at + seconds, mono_s=self.now.mono_s + seconds)


class NoLog:
    """A log that nobody reads."""

    def info(self, *_text: Any, **_fields: Any) -> None:
        """Forget a line."""

    warn = info


def write(folder: Path, agents: int, hours: float) -> int:
    """Write a data folder; return how many values are in it.

    Parameters
    ----------
    folder : Path
        Where; made if need be.
    agents : int
        How many feeds there are.
    hours : float
        How long they are recorded [h].
    """
    clock = HandClock()
    archive = G3Files(folder, 3600.0, clock, clock.advance)
    recorder = Recorder.open(archive, NoLog(), RecordingRun.begin(clock()), clock)
    noise = np.random.default_rng(1)
    count = MESSAGE_S * RATE_HZ
    minutes = round(hours * 3600 / MESSAGE_S)
    for seq in range(minutes):
        times = (clock.now.at + np.arange(count) / RATE_HZ).tolist()
        clock.advance(MESSAGE_S)
        for agent in range(agents):
            values = noise.standard_normal((FIELDS, count)).tolist()
            data = {f"channel_{number:02d}": row for number, row in enumerate(values)}
            message = {"temps": {"block_name": "temps", "timestamps": times, "data": data}}
            recorder.accept(message, feed_info(agent, seq))
        recorder.tick()
    recorder.close()
    return minutes * count * agents * FIELDS


def feed_info(agent: int, seq: int, session_id: str = "1795328000.5") -> dict[str, Any]:
    """Return the feed_info of a message of an agent."""
    return {
        "agent_address": f"observatory.bench-{agent:02d}",
        "address": f"observatory.bench-{agent:02d}.feeds.temps",
        "feed_name": "temps",
        "session_id": session_id,
        "record": True,
        "agg_params": {"frame_length": 300},
        "seq": seq,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the folder, run the commands, print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--keep", type=Path, help="write the data here and keep them")
    options = parser.parse_args(arguments)
    with _folder(options.keep) as folder:
        begun_s = time.monotonic()
        values = write(folder, options.agents, options.hours)
        took_s = time.monotonic() - begun_s
        size_mb = sum(path.stat().st_size for path in folder.glob("*/*.g3")) / 1e6
        print(
            f"{options.agents} agents, {options.hours:g} h: {values / 1e6:.1f} M values in", end=" "
        )
        print(f"{size_mb:.0f} MB, written in {took_s:.1f} s\n", flush=True)
        print("| command | whole process |\n|---|---|")
        for words in _commands(folder):
            print(f"| `ocsd data {' '.join(words)}` | {_timed(folder, words):.2f} s |", flush=True)


def _commands(folder: Path) -> Iterator[list[str]]:
    yield ["verify"]
    yield ["ls"]  # reads all files
    yield ["ls"]  # reads the index
    yield ["info", ONE_FIELD]
    yield ["gaps"]
    yield ["export", ONE_FIELD, "-o", f"{folder.name}.csv"]
    yield ["export", "*", "-o", f"{folder.name}.npz"]
    yield ["export", "*", "-o", f"{folder.name}.parquet"]


def _timed(folder: Path, words: list[str]) -> float:
    command = [sys.executable, "-m", "ocsd", "data", *words, "--folder", str(folder)]
    begun_s = time.monotonic()
    subprocess.run(
        command,
        check=True,
        cwd=folder.parent,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )
    return time.monotonic() - begun_s


@contextmanager
def _folder(kept: Path | None) -> Iterator[Path]:
    if kept is not None:
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="ocsd-bench-") as folder:
        yield Path(folder) / "data"


if __name__ == "__main__":
    main()
