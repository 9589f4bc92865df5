"""For any files, times and late data: windows have every sample once, and every extreme."""

import os
import shutil
import tempfile
from bisect import bisect_right
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ocsd.data import Archive
from ocsd.data.trend.levels import tick_of
from tests.unit.data.archives import BATCHES, FEED, NUMBERS, a_time, recorded

NAMES = (*NUMBERS, "s")
# More take longer than a test may.
EXAMPLES = min(int(os.environ.get("OCSD_TEST_EXAMPLES", "10")), 300)
MEMORY = next(filter(os.path.isdir, ["/dev/shm"]), None)


def windows(archive, since, until, columns):
    found = archive.window([f"{FEED}.*"], since, until, columns)
    fields = {name: found.fields[f"{FEED}.{name}"] for name in NAMES}
    return fields | {"holes": found.holes}


def same(first, second):
    assert first.keys() == second.keys()
    assert first["holes"] == second["holes"]
    for name in NAMES:
        for part in ("t", "n", "n_nan", "min", "max", "mean", "breaks"):
            one, other = getattr(first[name], part), getattr(second[name], part)
            np.testing.assert_array_equal(one, other, err_msg=f"{name}.{part}")
        assert (first[name].raw, first[name].changes) == (second[name].raw, second[name].changes)


def is_right(window, samples):
    assert int(window.n.sum()) == len(samples)
    numbers = [value for value in samples if not isinstance(value, str) and value == value]
    assert int(window.n_nan.sum()) == len(samples) - len(numbers)
    assert (window.n > 0).all()
    assert (np.diff(window.t) >= 0).all()
    if numbers:
        shown = window.n > window.n_nan
        assert window.min[shown].min() == min(numbers)
        assert window.max[shown].max() == max(numbers)


def tells(changes, sent, span, columns):
    """Compare the text at the time of each sample; not if some have the same time."""
    begin, end = map(tick_of, span)
    inside = sum(begin <= at < end for at, _ in sent)
    # Of long columns, late texts between others are told only roughly.
    if (
        inside > columns
        or (span[1] - span[0]) / columns >= 128
        or len({at for at, _ in sent}) < len(sent)
    ):
        return
    times = [at for at, _ in changes]
    for at, text in sent:
        if begin <= at < end:
            assert changes[bisect_right(times, at / 10**8) - 1][1] == text


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.generate],
)
@given(st.data(), BATCHES, st.booleans(), st.integers(0, 99), st.integers(1, 300))
def test_every_sample_is_counted_once_and_every_extreme_is_shown(
    data, batches, closed, seed, columns
):
    with tempfile.TemporaryDirectory(dir=MEMORY) as scratch:
        folder = Path(scratch, "data")
        found = recorded(folder, batches, closed, seed)
        clock = found.recording.clock
        later_s = data.draw(st.sampled_from([1.0, 8_000.0, 3e7]))
        archive = Archive(folder, clock=lambda: clock.at + later_s)
        everything = (found.recording.clock.at - 5e6, found.recording.clock.at + 5e6)
        windows(archive, *everything, columns)
        for _ in range(3):
            since, until = a_time(data.draw, found)
            answer = windows(archive, since, until, columns)
            for name in NAMES:
                is_right(answer[name], found.between(name, since, until))
            tells(answer["s"].changes or [], found.sent["s"], (since, until), columns)
            middle = since + (until - since) * data.draw(st.floats(0.01, 0.99))
            halves = [
                windows(archive, *times, columns)
                for times in ((since, middle), (middle, until))
                if times[0] < times[1]
            ]
            for name in NAMES:
                assert sum(half[name].n.sum() for half in halves) == answer[name].n.sum()
            shutil.rmtree(archive.places.folder, ignore_errors=True)
            same(
                windows(Archive(folder, clock=lambda: clock.at + later_s), since, until, columns),
                answer,
            )
        if not closed:
            found.recording.kill()
