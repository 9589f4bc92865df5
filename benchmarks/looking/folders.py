"""Data folders with years and days of samples, written by ocsd's own Recorder, made once."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.data_folder import HandClock, NoLog, feed_info
from ocsd.aggregator.disk.archive import G3Files
from ocsd.aggregator.frames.frames import RecordingRun
from ocsd.aggregator.recording.recorder import Recorder

START_AT = 1_700_000_000.0
_DONE = "made.json"


@dataclass(frozen=True, slots=True)
class Recorded:
    """The samples of a data folder."""

    name: str
    feeds: int
    fields: int
    rate_hz: float
    hours: float
    message_s: float

    @property
    def values(self) -> int:
        """Number of values in all."""
        return self.samples * self.feeds * self.fields

    @property
    def samples(self) -> int:
        """Number of samples of each field."""
        return round(self.hours * 3600 / self.message_s) * round(self.message_s * self.rate_hz)

    def field(self, feed: int = 0, number: int = 0) -> str:
        """Return the full name of a field."""
        return f"observatory.bench-{feed:02d}.feeds.temps.channel_{number:02d}"


def a_year(days: float = 365.0) -> Recorded:
    """Return one feed of 4 fields at 1 Hz."""
    return Recorded(f"year-{days:g}", 1, 4, 1.0, days * 24, 300.0)


def two_days(hours: float = 48.0) -> Recorded:
    """Return 10 feeds of 16 fields at 10 Hz."""
    return Recorded(f"days-{hours:g}", 10, 16, 10.0, hours, 60.0)


def made(cache: Path, recorded: Recorded) -> Path:
    """Return the data folder of these samples below `cache`; write it if it is not there."""
    folder = cache / recorded.name
    note = folder / _DONE
    if note.exists() and json.loads(note.read_text()) == asdict(recorded):
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    _write(folder, recorded)
    note.write_text(json.dumps(asdict(recorded)))
    return folder


def _write(folder: Path, recorded: Recorded) -> None:
    clock = HandClock(START_AT)
    archive = G3Files(folder, 3600.0, clock, clock.advance)
    recorder = Recorder.open(archive, NoLog(), RecordingRun.begin(clock()), clock)
    noise = np.random.default_rng(1)
    count = round(recorded.message_s * recorded.rate_hz)
    rows = noise.standard_normal((recorded.fields, 16 * count))
    steps = np.arange(count) / recorded.rate_hz
    for seq in range(round(recorded.hours * 3600 / recorded.message_s)):
        times = (clock.now.at + steps).tolist()
        clock.advance(recorded.message_s)
        begin = seq % 15 * count
        slow = float(np.sin(seq / 100))
        for feed in range(recorded.feeds):
            values = (rows[:, begin + feed : begin + feed + count] + slow).tolist()
            values[0][0] = float(seq)  # a spike that must be visible
            data = {f"channel_{number:02d}": row for number, row in enumerate(values)}
            message = {"temps": {"block_name": "temps", "timestamps": times, "data": data}}
            recorder.accept(message, feed_info(feed, seq, "1699999000.5"))
        recorder.tick()
    recorder.close()
