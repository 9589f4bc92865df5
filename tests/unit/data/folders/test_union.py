"""Several data folders are read as one."""

from pathlib import Path

import numpy as np
import pytest

from ocsd.data import Archive, Archives, gaps, overview
from ocsd.data.folders.union import UnionFolder
from ocsd.data.table import load
from ocsd.errors import UsageError
from tests.unit.data.recorded import (
    HOLES,
    OPENED,
    ROOT,
    THERMO,
    every,
    hole,
    holes,
    samples,
    sound,
)

BATH = f"{ROOT}.bath.feeds.levels"
NOW_AT = OPENED + 86400.0


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def hub(tmp_path):
    return tmp_path / "hub"


@pytest.fixture
def lab(tmp_path):
    return tmp_path / "lab"


def union(*paths):
    return UnionFolder(paths, lambda: NOW_AT)


def counts(folder, since=None, until=None):
    """Return times and values of the thermometer, as exported."""
    [table] = load(folder, folder.summaries(), [f"{THERMO}.count"], since, until)
    return (table.ticks / 1e8 - OPENED).tolist(), table.columns[f"{THERMO}.count"].values.tolist()


def test_a_feed_that_two_hosts_recorded_in_turn_is_one(hub, lab):
    sound(hub, samples(every(1, 10), count=list(range(10))))
    sound(lab, samples(every(1, 10, OPENED + 10), count=list(range(10, 20))), opened=OPENED)
    both = union(hub, lab)
    assert counts(both) == (list(map(float, range(20))), list(range(20)))
    assert gaps.find(both.summaries(), both.cut_off(), NOW_AT) == []
    (feed,) = overview.feeds(both.summaries())
    assert (feed.samples, len(feed.files)) == (20, 2)


def test_samples_that_both_have_are_there_once_and_those_that_one_has_twice_stay(hub, lab):
    times = [*every(1, 5), OPENED + 4]
    sound(hub, samples(times, count=[0, 1, 2, 3, 4, 4]))
    sound(lab, samples(every(1, 6, OPENED + 3), count=[3, 4, 5, 6, 7, 8]), opened=OPENED + 3)
    found = counts(union(hub, lab))[1]
    assert found == [0, 1, 2, 3, 4, 4, 5, 6, 7, 8]


def test_other_values_at_the_same_time_are_not_doubles(hub, lab):
    sound(hub, samples(every(1, 2), count=[1.0, float("nan")]))
    sound(lab, samples(every(1, 2), count=[2.0, float("nan")]), opened=OPENED + 1)
    found = counts(union(hub, lab))[1]
    assert found[:2] == [1.0, 2.0]
    assert len(found) == 3


def test_a_hole_that_the_other_folder_fills_is_none(hub, lab):
    frames = samples(every(1, 10)), samples(every(1, 10, OPENED + 100))
    lost = holes(1, hole(OPENED + 9, OPENED + 100))
    sound(hub, *frames, lost, addresses=(THERMO, HOLES))
    sound(lab, samples(every(1, 200)), opened=OPENED + 1)
    both = union(hub, lab)
    assert gaps.find(both.summaries(), both.cut_off(), NOW_AT) == []
    alone = union(hub)
    assert [gap.kind for gap in gaps.find(alone.summaries(), (), NOW_AT)] == ["hole"]


def test_a_hole_that_nobody_fills_stays(hub, lab):
    lost = holes(1, hole(OPENED + 9, OPENED + 100))
    sound(hub, samples(every(1, 10)), lost, addresses=(THERMO, HOLES))
    sound(lab, samples(every(1, 10), address=BATH), opened=OPENED + 1, addresses=(BATH,))
    both = union(hub, lab)
    assert "hole" in [gap.kind for gap in gaps.find(both.summaries(), both.cut_off(), NOW_AT)]


def test_windows_of_several_folders_have_each_sample_once(hub, lab):
    sound(hub, samples(every(1, 1000), count=list(range(1000))))
    sound(
        lab, samples(every(1, 1000, OPENED + 500), count=list(range(500, 1500))), opened=OPENED + 9
    )
    whole = Path(hub.parent / "whole")
    sound(whole, samples(every(1, 1500), count=list(range(1500))))
    asked = ["count"], OPENED, OPENED + 1500
    for columns in (10, 1000):
        found = Archives([hub, lab], lambda: NOW_AT).window(*asked, columns)
        expected = Archive(whole, clock=lambda: NOW_AT).window(*asked, columns)
        name = f"{THERMO}.count"
        assert list(found.fields) == [name]
        for part in ("t", "n", "min", "max", "mean"):
            left, right = getattr(found.fields[name], part), getattr(expected.fields[name], part)
            assert np.array_equal(left, right), part
        assert found.holes == expected.holes == []
    assert [feed.samples for feed in Archives([hub, lab]).feeds()] == [2000]


def test_a_folder_is_not_read_twice(hub):
    sound(hub, samples(every(1, 2)))
    with pytest.raises(UsageError, match="is given twice"):
        union(hub, hub.parent / "hub")
