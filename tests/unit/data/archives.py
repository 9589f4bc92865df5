"""Random recordings of the real recorder, and what a window of them must have."""

import math
from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from ocsd.aggregator.frames.frames import ticks
from ocsd.data.trend.levels import tick_of
from tests.unit.aggregator.rig import START, Clock, Recording

FEED = "observatory.thermo1.feeds.temps"
NUMBERS = ("x", "n", "b")


@dataclass
class Recorded:
    """A recording, and the samples that were sent: ticks and values by field."""

    recording: Recording
    sent: dict = field(default_factory=lambda: defaultdict(list))

    def send(self, times, values, names):
        """Send samples of fields; `values` has a function of no arguments for each."""
        columns = {name: [values[name]() for _ in times] for name in names}
        self.recording.send(times, **columns)
        for name, column in columns.items():
            self.sent[name] += zip(ticks(np.array(times)).tolist(), column, strict=True)

    def between(self, name, since, until):
        begin, end = tick_of(since), tick_of(until)
        return [value for at, value in self.sent[name] if begin <= at < end]


LAYOUTS = ["xnsb", "xnsb", "xs", "bn"]
"""Fields that are sent together; the first of a recording has all."""

BATCHES = st.lists(
    st.tuples(
        st.integers(1, 60),  # samples
        st.sampled_from([0.1, 1.0, 7.0, 300.0]),  # apart [s]
        st.sampled_from([0, 0, 0, 0, 50, 5_000, 200_000]),  # late [s]
        st.sampled_from([0, 1, 400, 1_000, 3_700, 100_000]),  # time until the next one [s]
    ),
    min_size=1,
    max_size=8,
)


def recorded(folder, batches, closed, seed):
    """Return what the recorder makes of batches of samples."""
    random = np.random.default_rng(seed)
    values = {
        "x": lambda: float(random.choice([random.normal(), math.nan, math.inf, -math.inf, 1e300])),
        "n": lambda: int(random.integers(-(2**63), 2**63 - 1)),
        "s": lambda: str(random.choice(["open", "shut", ""])),
        "b": lambda: bool(random.integers(2)),
    }
    whole = values | {"x": lambda: int(random.integers(-100, 100))}
    found = Recorded(Recording(folder, time_per_file_s=900.0, clock=Clock()))
    found.recording.start()
    names = LAYOUTS[0]
    for count, apart_s, late_s, pause_s in batches:
        begin = found.recording.clock.at - late_s
        times = [begin + number * apart_s for number in range(count)]
        found.send(times, [values, whole][random.integers(2)], names)
        found.recording.run(pause_s, step_s=max(pause_s / 3, 1.0))
        names = LAYOUTS[random.integers(len(LAYOUTS))]
    if closed:
        found.recording.recorder.close()
    return found


def a_time(draw, found):
    """Draw two times around the recording."""
    first = START - 400_000
    last = found.recording.clock.at + 20_000
    edges = st.floats(first, last) | st.sampled_from([START, START + 256, math.floor(START)])
    since, until = sorted((draw(edges), draw(edges)))
    return since, max(until, since + 0.001)
