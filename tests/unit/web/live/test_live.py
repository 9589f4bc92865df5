import json
import math
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.aggregator.disk.journal_writer import JournalWriter
from ocsd.journal.kinds import Kind
from ocsd.web.live.columns import KEPT_COLUMNS
from ocsd.web.live.latest import is_meant
from ocsd.web.live.live import AHEAD_S, Live
from ocsd.web.live.tally import FeedTally
from ocsd.web.refusals import BusyError, RequestRefusedError
from tests.unit.web.live.written import FEED, Journal, Viewer


@pytest.fixture
def written(tmp_path):
    made = Journal(tmp_path)
    yield made
    made.close()


def expected_columns(samples, since, step):
    """Return what has to be drawn of (time, value) pairs: t → n, n_nan, min, max, mean."""
    groups = defaultdict(list)
    for at, value in samples:
        if at >= since:
            groups[(math.floor(at / step) + 0.5) * step].append(value)
    columns = {}
    for at, values in groups.items():
        good = [value for value in values if not math.isnan(value)]
        rest = (math.nan,) * 3
        if good:
            with np.errstate(invalid="ignore"):
                rest = (min(good), max(good), float(np.mean(good)))
        columns[at] = (len(values), len(values) - len(good), *rest)
    return columns


def same(found, wanted):
    assert found.keys() == wanted.keys()
    for at, columns in wanted.items():
        np.testing.assert_allclose(found[at], columns, rtol=1e-9)


values = st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, 5.0])
actions = st.sampled_from(["write", "write", "late", "beside", "poll", "look"])
FIELDS = [f"{FEED}.x", f"{FEED}.y"]


def write_some(journal, data, action):
    """Write a message, of samples that are late perhaps; return them by field."""
    count = data.draw(st.integers(1, 4))
    late_s = {"write": [0.0, 3.0], "late": [20.0, 2.0], "beside": [0.0]}[action]
    back_s = data.draw(st.sampled_from(late_s))
    times = [journal.now - back_s + 0.125 * i for i in range(count)]
    columns = {"x": data.draw(st.lists(values, min_size=count, max_size=count))}
    if action == "beside":
        columns["y"] = [1.0] * count
    journal.write(times, **columns)
    return {name: list(zip(times, column, strict=True)) for name, column in columns.items()}


@settings(max_examples=80)
@given(data=st.data())
def test_all_updates_joined_are_all_samples_recorded_whatever_the_polls(data):
    with TemporaryDirectory() as folder:
        journal = Journal(Path(folder), segment_bytes=data.draw(st.sampled_from([500, 10**6])))
        before = data.draw(st.lists(actions, max_size=5))
        after = data.draw(st.lists(actions, max_size=20))
        viewer = None
        samples, late_at = {"x": [], "y": []}, math.inf
        for action in [*before, "begin", *after, "poll", "look"]:
            journal.now += 0.5
            if action == "begin":
                journal.poll()
                viewer = Viewer(journal.live.watch(FIELDS, 0.3, 990.0))
                viewer.look()
            elif action == "poll":
                journal.poll()
            elif action != "look":
                for name, written in write_some(journal, data, action).items():
                    samples[name] += written
                    early = [at for at, _ in written if viewer and at < viewer.since]
                    late_at = min(late_at, *early, math.inf)
            elif viewer:
                viewer.look()
        journal.close()
    for name, full in zip(samples, FIELDS, strict=True):
        wanted = expected_columns(samples[name], viewer.since, 0.25)
        same(viewer.columns.get(full, {}), wanted)
    assert viewer.begins == 1
    # The window has the others: those before `since`, again from the first that came late.
    assert min(viewer.redraws, default=math.inf) == late_at


def test_a_cursor_follows_the_newest_sample_and_not_the_clock(written):
    written.write([999.0], x=[0.0])
    written.poll()
    viewer = Viewer(written.live.watch([f"{FEED}.x"], 0.25, 990.0))
    viewer.look()
    written.now = 1_000_000.0
    for second in range(1001, 1011):
        written.write([second + 0.1 * i for i in range(10)], x=range(10))
        written.poll()
        viewer.look()
    assert sum(n for n, *_ in viewer.columns[f"{FEED}.x"].values()) == 101
    assert viewer.redraws == []


def test_samples_received_before_the_viewer_came_are_complete_from_begin_on(written):
    written.write([980.0], x=[1.0])
    for second in range(1000, 1030):
        written.now = second + 0.5
        written.write([second, second + 0.5], x=[1.0, 2.0])
    written.poll()
    viewer = Viewer(written.live.watch([f"{FEED}.x"], 0.1, 1020.3))
    viewer.look()
    assert viewer.since == 1020.0
    assert sum(n for n, *_ in viewer.columns[f"{FEED}.x"].values()) == 20
    assert viewer.redraws == []


def test_the_first_columns_are_so_many_as_a_screen_has(written):
    for second in range(1000, 1030):
        written.now = second + 0.5
        written.write([second, second + 0.5], x=[1.0, 2.0])
    written.poll()
    viewer = Viewer(written.live.watch([f"{FEED}.x"], 0.01, 0.0))
    viewer.look()
    assert viewer.since == 1019.0
    assert len(viewer.columns[f"{FEED}.x"]) == 22


def test_an_agent_whose_clock_is_ahead_makes_the_samples_of_no_other_late(written):
    other = FEED.replace(".a.", ".b.")
    viewer = Viewer(written.live.watch([f"{FEED}.x", f"{other}.x"], 0.25, 990.0))
    for second in range(1000, 1030):
        written.now = second + 0.5
        written.write([second], x=[1.0])
        written.write([second + 3600.0], address=other, x=[1.0])
        written.poll()
        if second == 1015:
            written.live._gaps += 1
        viewer.look()
    assert viewer.begins == 2
    assert viewer.redraws == []


def test_live_columns_never_begin_before_the_journal_does(written):
    written.write([1000.25], x=[1.0])
    written.poll()
    for since, step in ((0.0, 0.1), (1000.0, 2.0), (900.0, 64.0)):
        cursor = written.live.watch([f"{FEED}.x"], step, since)
        begin = cursor.updates()[0]
        assert begin.since > 995.0 + AHEAD_S
        assert begin.since % max(1.0, begin.step) == 0


def test_without_a_journal_live_columns_begin_now(tmp_path):
    live = Live(tmp_path, lambda: 1000.0)
    live.poll()
    cursor = live.watch(["any.x"], 1.0, 500.0)
    assert [tuple(event) for event in cursor.updates()] == [(1003.0, 1.0)]


def test_late_samples_are_a_reason_to_draw_the_window_again(written):
    viewer = Viewer(written.live.watch([f"{FEED}.x"], 1.0, 990.0))
    viewer.look()
    written.write([1002.0, 700.25], x=[1.0, 2.0])
    written.poll()
    viewer.look()
    viewer.look()
    assert viewer.redraws == [700.25]
    assert list(viewer.columns[f"{FEED}.x"]) == [1002.5]


def test_samples_for_columns_that_are_settled_make_the_viewer_begin_anew(written):
    viewer = Viewer(written.live.watch([f"{FEED}.x"], 1.0, 990.0))
    viewer.look()
    for at in (1002.0, *range(1010, 1010 + KEPT_COLUMNS + 10)):
        written.now = at
        written.write([at], x=[1.0])
    written.poll()
    viewer.look()
    written.write([1003.0], x=[7.0])
    written.poll()
    viewer.look()
    assert viewer.begins == 2
    assert viewer.since > 1003.0


def test_a_viewer_who_was_too_slow_begins_anew(tmp_path):
    written = Journal(tmp_path, most_bytes=3000)
    viewer = Viewer(written.live.watch([f"{FEED}.x"], 1.0, 990.0))
    viewer.look()
    samples = []
    for at in range(1000, 1030):
        written.now = at
        written.write([at], x=[1.0])
        samples.append((at, 1.0))
        written.poll()
    viewer.look()
    assert viewer.begins == 2
    same(viewer.columns[f"{FEED}.x"], expected_columns(samples, viewer.since, 1.0))
    assert viewer.since < 1029
    written.close()


def test_memory_is_bounded_by_bytes_and_by_age(tmp_path):
    written = Journal(tmp_path, most_bytes=10_000, kept_s=50.0)
    recent = written.live._recent
    for at in range(1000, 1200):
        written.now = at
        written.write([at], x=[1.0])
        written.poll()
    assert recent._bytes <= 10_000
    written.now = 2000.0
    written.write([2000.0], x=[1.0], address="observatory.b.feeds.f")
    written.poll()
    assert len(recent._all) == 1
    assert [value.value for value in written.live.latest()] == [1.0, 1.0]
    written.close()


def test_a_gap_in_the_journal_makes_everybody_begin_anew(tmp_path):
    written = Journal(tmp_path)
    written.write([1000.0], x=[1.0])
    written.poll()
    viewer = Viewer(written.live.watch([f"{FEED}.x"], 1.0, 990.0))
    viewer.look()
    written.writer.path.unlink()
    other = JournalWriter(tmp_path, 0)
    written.writer.close()
    written.writer = other
    written.now = 1100.0
    written.write([1100.0, 1103.5], x=[1.0, 2.0])
    written.poll()
    viewer.look()
    assert viewer.begins == 2
    assert list(viewer.columns[f"{FEED}.x"]) == [1103.5]
    written.close()


def test_whole_numbers_and_truth_are_drawn_as_numbers_and_texts_as_changes(written):
    kinds = {"n": Kind.INT, "b": Kind.BOOL, "s": Kind.TEXT}
    fields = [f"{FEED}.{name}" for name in kinds]
    viewer = Viewer(written.live.watch(fields, 8.0, 900.0))
    viewer.look()
    times = [1008.0, 1009.0, 1010.0]
    written.write(times, kinds=kinds, n=[1, 2, 6], b=[True, False, True], s=["a", "a", "<b>"])
    written.poll()
    viewer.look()
    written.write([1011.0], kinds=kinds, n=[1], b=[True], s=["<b>"])
    written.poll()
    viewer.look()
    assert viewer.columns[f"{FEED}.n"] == {1012.0: (4, 0, 1.0, 6.0, 2.5)}
    assert viewer.columns[f"{FEED}.b"] == {1012.0: (4, 0, 0.0, 1.0, 0.75)}
    assert viewer.texts == {f"{FEED}.s": [(1008.0, "a"), (1010.0, "<b>")]}
    # As in a window: how long the last one holds is known by its samples.
    assert viewer.columns[f"{FEED}.s"][1012.0][:2] == (4, 4)


def test_a_field_is_one_although_the_fields_beside_it_change(written):
    viewer = Viewer(written.live.watch([f"{FEED}.x", f"{FEED}.y", "other.z"], 8.0, 900.0))
    viewer.look()
    written.write([1008.0], x=[1.0])
    written.write([1009.0], x=[3.0], y=[5.0])
    written.write([1010.0], kinds={"x": Kind.INT}, x=[8])
    written.poll()
    viewer.look()
    assert viewer.columns[f"{FEED}.x"] == {1012.0: (3, 0, 1.0, 8.0, 4.0)}
    assert viewer.columns[f"{FEED}.y"] == {1012.0: (1, 0, 5.0, 5.0, 5.0)}


def test_a_feed_with_ever_other_fields_makes_the_viewer_begin_anew_now_and_then(written):
    names = [f"x{bit}" for bit in range(9)]
    viewer = Viewer(written.live.watch([f"{FEED}.{name}" for name in names], 0.25, 990.0))
    for number in range(1, 512):
        written.now = 1000.0 + number
        there = [name for bit, name in enumerate(names) if number >> bit & 1]
        written.write([written.now], **{name: [1.0] for name in there})
        written.poll()
        viewer.look()
    assert viewer.begins == 2
    assert len(viewer.cursor._sums) < 300


def test_what_json_cannot_hold_is_null(written):
    cursor = written.live.watch([f"{FEED}.x", f"{FEED}.s"], 1.0, 900.0)
    cursor.updates()
    kinds = {"x": Kind.FLOAT, "s": Kind.TEXT}
    written.write([1002.0, 1003.0], kinds=kinds, x=[math.nan, math.inf], s=["a", "b"])
    written.poll()
    (update,) = cursor.updates()
    assert json.loads(update.as_json()) == {
        f"{FEED}.x": {
            "t": [1002.5, 1003.5],
            "n": [1, 1],
            "n_nan": [1, 0],
            "min": [None, None],
            "max": [None, None],
            "mean": [None, None],
        },
        f"{FEED}.s": {
            "t": [1002.5, 1003.5],
            "n": [1, 1],
            "n_nan": [1, 1],
            "min": [None, None],
            "max": [None, None],
            "mean": [None, None],
            "changes": [[1002.0, "a"], [1003.0, "b"]],
        },
    }


def test_a_text_that_stays_is_told_by_its_samples(written):
    cursor = written.live.watch([f"{FEED}.s"], 1.0, 900.0)
    cursor.updates()
    written.write([1002.0], kinds={"s": Kind.TEXT}, s=['"<'])
    written.poll()
    (update,) = cursor.updates()
    told = json.loads(update.as_json())[f"{FEED}.s"]
    assert (told["t"], told["changes"]) == ([1002.5], [[1002.0, '"<']])
    written.write([1005.0], kinds={"s": Kind.TEXT}, s=['"<'])
    written.poll()
    (update,) = cursor.updates()
    told = json.loads(update.as_json())[f"{FEED}.s"]
    assert (told["t"], told["n"], told.get("changes")) == ([1005.5], [1], None)


def latest(written, pattern="*"):
    return {
        value.field: (value.value, value.at)
        for value in written.live.latest()
        if is_meant(value.field, pattern)
    }


def test_the_latest_value_is_that_of_the_newest_sample(written):
    kinds = {"x": Kind.FLOAT, "s": Kind.TEXT, "b": Kind.BOOL}
    written.write([3.0, 2.0], kinds=kinds, x=[1.5, 2.5], s=["new", "old"], b=[True, False])
    written.write([1.0], kinds=kinds, x=[9.0], s=["late"], b=[False])
    written.write([4.0], y=[7.0])
    written.poll()
    assert latest(written) == {
        f"{FEED}.x": (1.5, 3.0),
        f"{FEED}.s": ("new", 3.0),
        f"{FEED}.b": (True, 3.0),
        f"{FEED}.y": (7.0, 4.0),
    }


@pytest.mark.parametrize(
    ("pattern", "count"),
    [("*", 2), ("x", 1), ("f.x", 1), ("a", 2), ("f.*", 2), ("a.feeds.f", 2), ("b", 0), ("?.x", 1)],
)
def test_a_pattern_is_a_name_its_end_a_shell_pattern_or_an_instance(written, pattern, count):
    written.write([3.0], x=[1.5], y=[2.5])
    written.poll()
    assert len(latest(written, pattern)) == count


def test_bad_steps_and_too_many_fields_are_refused(written):
    for step, since in ((0.0, 0.0), (math.nan, 0.0), (-1.0, 0.0), (math.inf, 0.0), (1.0, math.nan)):
        with pytest.raises(RequestRefusedError, match="have to be numbers"):
            written.live.watch(["a.x"], step, since)
    with pytest.raises(BusyError, match="choose fewer fields"):
        written.live.watch([f"a.x{i}" for i in range(100_000)], 1.0, 0.0)


def test_a_journal_that_cannot_be_read_is_told_and_comes_back(written):
    written.write([3.0], x=[1.5])
    newer = written.folder / "00000001.wal"
    newer.write_bytes(b"OCSDWAL2")
    written.poll()
    written.poll()
    assert "another format than version 1" in written.live.trouble
    newer.unlink()
    written.now += 6.0
    written.write([4.0], x=[2.5])
    written.poll()
    assert written.live.trouble is None
    assert latest(written) == {f"{FEED}.x": (2.5, 4.0)}


def test_each_feed_is_counted(written):
    written.write([1.0, 2.0], x=[1.0, 2.0], y=[3.0, 4.0])
    written.write([1.5], x=[1.0])
    written.write([7.0], x=[1.0], address="observatory.b.feeds.f")
    written.poll()
    found = written.live.tallies.feeds
    assert found[FEED] == FeedTally(messages=2, samples=3, values=5, newest_at=2.0)
    assert found["observatory.b.feeds.f"].samples == 1
