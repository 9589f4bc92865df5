"""A data folder that is kept open: what it answers when files change, and to bad questions."""

import os
import shutil
import time

import numpy as np
import pytest

from ocsd.data import Archive, Builder, Progress, window
from ocsd.data.archive.store import RecentNodes
from ocsd.data.archive.tree import Node
from ocsd.data.index import FileSummary, IndexedBlock, IndexedSource
from ocsd.data.trend.digest import digest
from ocsd.data.trend.places import TrendPlaces
from ocsd.errors import NoDataError, NotPermittedError, OcsdError, UsageError
from tests.unit.aggregator.rig import START, Recording
from tests.unit.data.recorded import OPENED, THERMO, every, hole, holes, samples, sound

A = f"{THERMO}.a"
SPAN = (OPENED - 10, OPENED + 10_000)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    """Two hours with 1 Hz; the last sample of each is a peak."""
    for number, opened in enumerate((OPENED, OPENED + 3600)):
        sound(
            tmp_path / "data",
            samples(every(1, 3600, opened), a=[0.5] * 3599 + [90.0 + number]),
            opened=opened,
        )
    return tmp_path / "data"


@pytest.fixture
def fast(tmp_path):
    """The same with 4 Hz: the files have trends of their own."""
    for number, opened in enumerate((OPENED, OPENED + 3600)):
        values = [0.5] * 14399 + [90.0 + number]
        sound(tmp_path / "fast", samples(every(0.25, 14400, opened), a=values), opened=opened)
    return tmp_path / "fast"


def trends(archive):
    return sorted(path.name for path in archive.places.stored())


def test_a_window_has_columns_on_absolute_time(folder):
    found = window(folder, [A], OPENED + 0.25, OPENED + 7000.5, 100)
    assert found.column_s == 128
    field = found.fields[A]
    assert not field.raw
    assert (field.t % 128 == 64).all()
    assert len(field.t) <= 100
    assert field.n.sum() == 7000
    assert field.max.max() == 90.0
    assert field.mean[0] == 0.5


def test_few_samples_are_answered_one_by_one(folder):
    found = window(folder, [A], OPENED, OPENED + 100, 100).fields[A]
    assert found.raw
    np.testing.assert_array_equal(found.t, OPENED + np.arange(100))


@pytest.mark.parametrize(
    ("fields", "since", "until", "columns", "error", "text"),
    [
        (["b"], *SPAN, 10, NoDataError, "no data of 'b'"),
        ([A], 5.0, 5.0, 10, UsageError, "not later than since"),
        ([A], 6.0, 5.0, 10, UsageError, "not later than since"),
        ([A], *SPAN, 10**9, UsageError, "from 1 to 100000"),
        ([A], *SPAN, 0, UsageError, "from 1 to 100000"),
        ([A], float("nan"), 5.0, 10, UsageError, "since=nan is no time"),
        ([A], 5.0, float("inf"), 10, UsageError, "until=inf is no time"),
        ([A], 5.0, 1e300, 10, UsageError, "no time of a recording"),
    ],
)
def test_bad_questions_are_refused(folder, fields, since, until, columns, error, text):
    with pytest.raises(error, match=text):
        Archive(folder).window(fields, since, until, columns)


def test_many_fields_of_many_columns_are_refused_before_they_are_read(tmp_path):
    recording = Recording(tmp_path)
    recording.start()
    recording.send([START], **{f"x{number}": [1.0] for number in range(41)})
    recording.recorder.close()
    with pytest.raises(UsageError, match="41 fields of 100,000 columns each are more than"):
        Archive(tmp_path).window(["*"], *SPAN, 100_000)


def test_a_time_without_samples_is_empty(folder):
    found = Archive(folder).window([A], OPENED - 1e6, OPENED - 1e5).fields[A]
    assert found.t.shape == found.n.shape == found.max.shape == (0,)


@pytest.mark.parametrize("harm", ["header", "body", "version", "short", "empty", "gone"])
def test_a_trend_that_is_lost_or_damaged_is_made_again(fast, harm):
    archive = Archive(fast)
    before = archive.window([A], *SPAN, 100).fields[A]
    for path in archive.places.stored():
        content = bytearray(path.read_bytes())
        content[{"header": 30, "version": 8}.get(harm, -9)] ^= 255
        if harm in {"short", "empty"}:
            del content[{"short": len(content) // 2, "empty": 0}[harm] :]
        path.write_bytes(content)
        if harm == "gone":
            path.unlink()
    for asked in (archive, Archive(fast)):
        after = asked.window([A], *SPAN, 100).fields[A]
        np.testing.assert_array_equal(before.max, after.max)
        np.testing.assert_array_equal(before.n, after.n)
    assert trends(archive)


def test_a_trend_that_is_older_than_its_source_is_made_again(folder):
    archive = Archive(folder)
    assert archive.window([A], *SPAN, 100).fields[A].max.max() == 91.0
    sound(folder, samples(every(1, 3600), a=[0.5] * 3599 + [95.0]))
    assert archive.window([A], *SPAN, 100).fields[A].max.max() == 95.0


def test_late_files_are_noticed(folder):
    archive = Archive(folder)
    assert archive.window([A], *SPAN, 100).fields[A].n.sum() == 7200
    late = samples([*every(1, 100, OPENED - 3000), *every(1, 100, OPENED + 8000)], a=[7.0] * 200)
    sound(folder, late, opened=OPENED + 7200)
    found = archive.window([A], OPENED - 4000, OPENED + 10_000, 100).fields[A]
    assert found.n.sum() == 7400


def test_a_folder_that_cannot_be_written_has_its_trends_in_the_state_folder(fast, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("needs another owner")
    os.chown(fast, 12345, 12345)
    archive = Archive(fast, tmp_path / "state")
    assert archive.window([A], *SPAN, 100).fields[A].n.sum() == 28800
    assert not (fast / "ocsd" / "trend").exists()
    assert [*(tmp_path / "state" / "trend").rglob("*.trend")]


def test_a_place_that_refuses_trends_costs_time_only(fast):
    (fast / "ocsd").mkdir(exist_ok=True)
    (fast / "ocsd" / "trend").write_text("in the way")
    archive = Archive(fast)
    for _ in range(2):
        assert archive.window([A], *SPAN, 100).fields[A].n.sum() == 28800
    assert "cannot write trends into" in archive.places.refusal
    builder = Builder(Archive(fast))
    assert builder.survey().waiting == 3
    assert not builder.step()
    assert "cannot write trends" in builder.progress.problems[-1]


def test_a_folder_that_is_moved_away_is_told(folder, tmp_path):
    archive = Archive(folder)
    archive.window([A], *SPAN, 100)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(NoDataError, match="is not there any more: it was moved or removed"):
        archive.window([A], *SPAN, 100)
    (tmp_path / "elsewhere").rename(folder)
    assert archive.window([A], *SPAN, 100).fields[A].n.sum() == 7200


def test_a_file_that_is_removed_is_not_counted(folder):
    archive = Archive(folder)
    archive.window([A], *SPAN, 100)
    (folder / f"17953/{OPENED}.g3").unlink()
    assert archive.window([A], *SPAN, 100).fields[A].n.sum() == 3600


def test_a_file_that_cannot_be_read_is_told(folder):
    path = folder / f"17953/{OPENED + 3600}.g3"
    path.unlink()
    path.symlink_to("/nowhere")
    with pytest.raises(OcsdError, match="is a link to /nowhere"):
        Archive(folder).window([A], *SPAN, 100)


def test_a_silence_breaks_the_line_and_a_hole_has_its_cause_at_every_zoom(tmp_path):
    times = [*every(1, 2000), *every(1, 2000, OPENED + 2100)]
    frames = samples(times, a=[1.0] * 4000), holes(1, hole(OPENED + 2000, OPENED + 2099))
    sound(tmp_path, *frames, addresses=(THERMO, "observatory.aggregator.feeds.holes"))
    archive = Archive(tmp_path)
    for columns in (5000, 400, 40):
        found = archive.window([A], *SPAN, columns)
        field = found.fields[A]
        (gap,) = found.holes
        assert (gap.cause, gap.from_at) == ("the disk was full", OPENED + 2000)
        (at,) = field.breaks
        assert field.t[at - 1] < OPENED + 2100 <= field.t[at] + found.column_s
    # An empty column is no silence.
    assert archive.window([A], OPENED, OPENED + 100, 1000).fields[A].breaks.tolist() == []


def test_texts_are_changes(tmp_path):
    texts = ["open"] * 500 + ["shut"] * 500
    sound(tmp_path, samples(every(1, 1000), a=texts))
    late = samples(every(1, 10, OPENED + 1005), a=["ajar"] * 10)
    sound(
        tmp_path,
        late,
        samples(every(1, 100, OPENED + 2000), a=["shut"] * 100),
        opened=OPENED + 1900,
    )
    for columns in (10, 2000):
        found = Archive(tmp_path).window([A], OPENED + 1, *SPAN[1:], columns).fields[A]
        assert found.changes == [
            (OPENED, "open"),
            (OPENED + 500, "shut"),
            (OPENED + 1005, "ajar"),
            (OPENED + 2000, "shut"),
        ]
        assert found.n.sum() == found.n_nan.sum() == 1109


def test_texts_of_samples_whose_other_fields_vary_in_kind_are_told_in_the_order_of_time(tmp_path):
    """A number that is at times whole, at times not, makes two blocks of one file."""
    whole = samples(every(2, 50), a=["open"] * 50, b=[1] * 50)
    broken = samples(every(2, 50, OPENED + 1), a=["shut"] * 50, b=[0.5] * 50)
    sound(tmp_path, whole, broken)
    found = Archive(tmp_path).window([A], OPENED, OPENED + 100, 500).fields[A]
    assert found.changes == [
        (OPENED + number, "shut" if number % 2 else "open") for number in range(100)
    ]


def test_a_text_that_changes_all_the_time_has_as_many_changes_as_columns(tmp_path):
    sound(tmp_path, samples(every(1, 3000), a=[f"{number}" for number in range(3000)]))
    found = Archive(tmp_path).window([A], *SPAN, 100).fields[A]
    assert 20 <= len(found.changes) <= 101
    assert found.changes[-1] == (OPENED + 2999, "2999")
    assert len(Archive(tmp_path).window([A], *SPAN, 5000).fields[A].changes) == 3000


def test_whole_numbers_are_exact_and_nan_is_counted(tmp_path):
    large = 2**62 + 1
    values = [float("nan")] * 50 + [1.0] * 3949 + [float("inf")]
    sound(tmp_path, samples(every(1, 4000), a=values, b=[large] * 4000))
    found = Archive(tmp_path).window([A, f"{THERMO}.b"], *SPAN, 10).fields
    assert set(found[f"{THERMO}.b"].max.tolist()) == {large}
    assert found[A].n_nan.sum() == 50
    assert found[A].max.max() == np.inf


def test_what_was_received_a_moment_ago_is_there_before_it_is_in_a_file(tmp_path):
    recording = Recording(tmp_path)
    recording.start()
    archive = Archive(tmp_path, clock=lambda: recording.clock.at)
    counts = []
    for number in range(12):
        recording.send([START + 60 * number], x=[float(number)])
        counts.append(archive.window(["x"], START - 5, START + 1e4).fields[f"{THERMO}.x"].n.sum())
        recording.run(60, step_s=20)
    assert counts == [*range(1, 13)]
    recording.recorder.close()
    assert archive.window(["x"], START - 5, START + 1e4).fields[f"{THERMO}.x"].n.sum() == 12


def test_folders_that_are_named_after_the_future_do_not_hide_what_is_written_now(tmp_path):
    for opened in (9_999_800_000, 9_999_900_000):
        sound(tmp_path, samples(every(1, 10, opened), a=[0.5] * 10), opened=opened)
        os.utime(tmp_path / str(opened)[:5], (START - 1e5, START - 1e5))
    recording = Recording(tmp_path)
    recording.start()
    os.utime(tmp_path / "17953", (START, START))
    archive = Archive(tmp_path, clock=lambda: recording.clock.at)
    recording.run(60, step_s=20)
    counts = []
    for number in range(9):
        recording.send([recording.clock.at], x=[float(number)])
        recording.run(60, step_s=20)
        counts.append(archive.window(["x"], START - 5, START + 1e4).fields[f"{THERMO}.x"].n.sum())
    assert counts == [*range(1, 10)]


def test_the_feeds_that_are_known_take_the_reading_of_one_file(folder):
    archive = Archive(folder, clock=lambda: OPENED + 1e6)
    for _ in range(2):
        assert [feed.samples for feed in archive.known_feeds()] == [3600]
        assert archive.unread == 1
    assert [feed.samples for feed in Archive(folder).feeds()] == [7200]
    assert [feed.samples for feed in archive.known_feeds()] == [7200]
    assert archive.unread == 0


def test_the_builder_makes_files_then_folders_then_groups(fast):
    builder = Builder(Archive(fast, clock=lambda: OPENED + 3e7))
    assert builder.survey().waiting == 4
    made = []
    while builder.step():
        made.append(trends(Archive(fast)))
    assert [len(names) for names in made] == [1, 2, 3]
    assert builder.progress.built == 4
    assert "179.trend" in trends(Archive(fast))
    assert builder.survey().waiting == 0


def test_files_that_tell_no_more_than_their_folder_have_no_trends(folder):
    builder = Builder(Archive(folder, clock=lambda: OPENED + 3e7))
    while builder.survey().waiting:
        while builder.step():
            pass
    assert trends(Archive(folder)) == ["179.trend", "17953.trend"]
    assert builder.progress.built == 2
    for columns, length_s in ((20, 512), (50, 256), (700, 16), (10_000, 2)):
        found = Archive(folder).window([A], *SPAN, columns)
        assert found.column_s == length_s
        assert found.fields[A].n.sum() == 7200
        assert found.fields[A].max.max() == 91.0
    assert trends(Archive(folder)) == ["179.trend", "17953.trend"]


def test_files_of_a_folder_that_goes_on_have_trends(folder):
    builder = Builder(Archive(folder, clock=lambda: OPENED + 15_000))
    builder.survey()
    while builder.step():
        pass
    assert len(trends(Archive(folder))) == 2


def test_the_files_of_a_folder_that_failed_are_not_read_again(folder, monkeypatch):
    (folder / f"17953/{OPENED}.g3").unlink()
    (folder / f"17953/{OPENED}.g3").symlink_to("/nowhere")
    builder = Builder(Archive(folder))
    assert builder.survey().waiting == 3
    while builder.step():
        pass
    assert builder.survey().waiting == 0


def test_the_builder_names_a_file_that_it_cannot_read_once(folder):
    path = folder / f"17953/{OPENED}.g3"
    path.unlink()
    path.symlink_to("/nowhere")
    builder = Builder(Archive(folder))
    builder.survey()
    while builder.step():
        pass
    assert all("link to /nowhere" in problem for problem in builder.progress.problems)
    waiting = builder.survey().waiting
    assert waiting == 0
    path.unlink()
    assert builder.survey().problems == ()


def test_a_file_that_could_not_be_read_is_tried_again(fast):
    archive = Archive(fast)
    builder = Builder(archive, clock=lambda: now_s)
    now_s = 0.0
    archive.feeds()
    frames = archive.store._samples.frames
    columns, frames.all_columns = frames.all_columns, refused
    builder.survey()
    while builder.step():
        pass
    assert len(builder.progress.problems) == 3
    frames.all_columns = columns
    assert builder.survey().waiting == 0
    now_s = 601.0
    assert builder.survey().waiting == 3
    while builder.step():
        pass
    assert builder.survey() == Progress(3, 0, builder.progress.folder, ())


def refused(*_of_what):
    raise NotPermittedError("this user may not read it")


def test_the_builder_finishes_a_folder_before_it_begins_an_older_one(tmp_path):
    for opened in (OPENED - 100_000, OPENED):
        for later in (0, 1000):
            times = every(0.25, 400, opened + later)
            sound(tmp_path, samples(times, a=[0.5] * 400), opened=opened + later)
    builder = Builder(Archive(tmp_path, clock=lambda: OPENED + 3e7))
    builder.survey()
    order = [node.name for node in reversed(builder._waiting)]
    assert order == [
        f"17953/{OPENED + 1000}",
        f"17953/{OPENED}",
        "17953",
        f"17952/{OPENED - 99_000}",
        f"17952/{OPENED - 100_000}",
        "17952",
        "179",
    ]


def test_what_an_ended_builder_has_left_is_removed_and_what_others_write_is_not(fast):
    folder = fast / "ocsd" / "trend" / "17953"
    folder.mkdir(parents=True)
    left, fresh = folder / f".{OPENED}.trend.77", folder / f".{OPENED}.trend.78"
    for path in (left, fresh):
        path.write_bytes(b"half of it")
    os.utime(left, (OPENED - 10**8, OPENED - 10**8))
    Builder(Archive(fast)).survey()
    assert [*folder.iterdir()] == [fresh]


def test_trends_that_cannot_be_written_take_little_memory():
    kept = RecentNodes(512, most_bytes=100)
    nodes = [Node(f"1/{number}", 0, True, ()) for number in range(9)]
    for node in nodes:
        kept.put(node, node.name, size_bytes=40)
    assert [node for node in nodes if kept.get(node)] == nodes[-2:]
    kept.put(nodes[0], "large", size_bytes=1000)
    assert [node for node in nodes if kept.get(node)] == nodes[:1]


def test_asking_again_reads_no_file(folder, monkeypatch):
    archive = Archive(folder, clock=lambda: time.time() + 10)
    archive.window([A], *SPAN, 100)
    shutil.rmtree(folder / "ocsd" / "index")
    archive.window([A], *SPAN, 100)
    assert not (folder / "ocsd" / "index").exists()


def test_trends_of_two_folders_are_apart(tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    places = [TrendPlaces(folder, tmp_path / "state") for folder in (first, second)]
    assert places[0].folder != places[1].folder


def test_a_digest_has_the_newest_units_of_each_life_of_an_agent():
    def summary(name, unit):
        block = IndexedBlock("b", {"a": "float"}, 3, 1.0, ((0.0, 2.0),))
        source = IndexedSource(THERMO, "life", (), (block,), {"a": unit}, {"a": "plate"})
        return FileSummary(name, 10, 0, 1, (source,), (), ())

    (whole,) = digest("17953", [summary("17953/1.g3", "V"), summary("17953/2.g3", "K")])
    (source,) = whole.sources
    assert (source.units, source.labels) == ({"a": "K"}, {"a": "plate"})
    assert [block.samples for block in source.blocks] == [6]


@pytest.mark.parametrize("call", range(1, 7))
@pytest.mark.parametrize("rotated", [False, True])
def test_what_is_recorded_while_a_window_is_made_is_there_at_most_once(tmp_path, call, rotated):
    recording = Recording(tmp_path, time_per_file_s={True: 600.0, False: 3600.0}[rotated])
    recording.start()
    calls = []

    def clock():
        calls.append(recording.clock.at)
        if len(calls) == call:
            for number in range(100, 110):
                recording.send([recording.clock.at], x=[float(number)])
                recording.run(60, step_s=20)
        return recording.clock.at

    for number in range(25):
        recording.send([recording.clock.at], x=[float(number)])
        recording.run(60, step_s=20)
    archive = Archive(tmp_path, clock=clock)
    found = archive.window(["x"], START - 5, START + 1e4).fields[f"{THERMO}.x"]
    assert found.raw
    assert found.min.tolist()[:25] == [*map(float, range(25))]
    assert len(set(found.min.tolist())) == len(found.min)
    for _ in range(2):
        later = archive.window(["x"], START - 5, START + 1e4).fields[f"{THERMO}.x"]
    assert later.min.tolist() == [*map(float, [*range(25), *range(100, 110)])]
    recording.recorder.close()
