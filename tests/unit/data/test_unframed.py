"""The last minutes, which are in the journal only, and never twice with those in files."""

import shutil
import threading
import tracemalloc
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd import journal
from ocsd.aggregator.disk.journal_writer import JournalWriter
from ocsd.data import gaps, overview, table, unframed
from ocsd.data.folder import DataFolder
from ocsd.journal.kinds import Kind
from ocsd.journal.ranges import Ranges
from tests.unit.aggregator.rig import START, Recording
from tests.unit.journal.written import chunk, layout

FIELD = "observatory.thermo1.feeds.temps.a"


@pytest.fixture
def recording(tmp_path):
    recording = Recording(tmp_path / "data", segment_bytes=2000)
    recording.start()
    return recording


def exported(folder, field=FIELD):
    opened = DataFolder(folder)
    (found,) = table.load(opened, opened.summaries(), [field])
    return found.columns[field].values.tolist()


def overview_of(folder):
    summaries = DataFolder(folder).summaries()
    return {feed.feed: feed for feed in overview.feeds(summaries)}


def send(recording, count, begin=0, **more):
    for number in range(begin, begin + count):
        recording.send([recording.clock.at], seq=number, a=[number], text=[f"n{number}"], **more)
        recording.clock.advance(1)


def test_samples_are_seen_at_once_and_once_whatever_becomes_of_them(recording):
    send(recording, 3)
    assert exported(recording.folder) == [0, 1, 2]
    recording.run(301, step_s=301)
    assert exported(recording.folder) == [0, 1, 2]
    send(recording, 100, begin=3)
    assert exported(recording.folder) == list(range(103))
    assert exported(recording.folder, FIELD[:-1] + "text") == [f"n{n}" for n in range(103)]
    recording.run(3601, step_s=3601)
    assert exported(recording.folder) == list(range(103))
    send(recording, 2, begin=103)
    recording.kill()
    assert exported(recording.folder) == list(range(105))
    again = Recording(recording.folder, clock=recording.clock)
    again.start()
    assert exported(recording.folder) == list(range(105))
    again.recorder.close()
    assert exported(recording.folder) == list(range(105))


def test_overviews_and_holes_know_the_journal(recording):
    send(recording, 5)
    recording.lose(
        next(key for key, _ in recording.parts.ledger.sources if "temps" in key.address), 7, 8
    )
    recording.announce(
        next(key for key, _ in recording.parts.ledger.sources if "temps" in key.address), 9
    )
    recording.lose(
        next(key for key, _ in recording.parts.ledger.sources if "temps" in key.address), 5, 8
    )
    feed = overview_of(recording.folder)["observatory.thermo1.feeds.temps"]
    assert (feed.samples, feed.span) == (5, (START, START + 4))
    assert feed.files == ("ocsd/journal/00000000.wal",)
    summaries = DataFolder(recording.folder).summaries()
    assert not summaries[-1].in_file
    (hole,) = gaps.find(summaries)
    assert (hole.kind, hole.count) == (gaps.GapKind.HOLE, 4)


def test_a_torn_journal_is_read_as_far_as_it_is_whole(recording):
    send(recording, 5)
    (path,) = (recording.folder / "ocsd/journal").glob("*.wal")
    content = path.read_bytes()
    before = 0
    for length in range(0, len(content) + 1, 7):
        path.write_bytes(content[:length])
        found = unframed.read(recording.folder, START)
        count = sum(len(each.values["a"]) for each in found.columns if "a" in each.kinds)
        assert before <= count <= 5
        before = count


def test_frames_that_come_after_the_journal_was_read_are_not_counted_twice(recording, monkeypatch):
    send(recording, 4)
    real = unframed.read

    def slow(folder, now_at):
        found = real(folder, now_at)
        recording.run(301, step_s=301)
        return found

    monkeypatch.setattr(unframed, "read", slow)
    assert exported(recording.folder) == [0, 1, 2, 3]


def test_a_file_that_went_on_and_ended_meanwhile_is_not_indexed_without_its_end(
    recording, monkeypatch
):
    send(recording, 4)
    real = unframed.read

    def slow(folder, now_at):
        found = real(folder, now_at)
        recording.run(301, step_s=301)
        recording.run(3601, step_s=3601)
        send(recording, 1, begin=4)
        return found

    monkeypatch.setattr(unframed, "read", slow)
    assert exported(recording.folder) == [0, 1, 2, 3]
    monkeypatch.setattr(unframed, "read", real)
    assert exported(recording.folder) == [0, 1, 2, 3, 4]


def test_segments_that_vanish_while_they_are_read_hold_nothing_that_is_missing(recording):
    send(recording, 30)
    ended = threading.Event()
    faults = []

    def read_on():
        while not ended.is_set():
            values = exported(recording.folder)
            if values != list(range(len(values))) or len(values) < 30:
                faults.append(values)

    reader = threading.Thread(target=read_on)
    reader.start()
    for begin in range(30, 90, 10):
        send(recording, 10, begin=begin)
        recording.run(310, step_s=155)
    ended.set()
    reader.join()
    assert not faults
    assert exported(recording.folder) == list(range(90))


def test_a_journal_that_was_not_cleared_for_long_is_not_held_as_a_whole(tmp_path):
    (tmp_path / "1.g3").write_bytes(bytes(64))
    writer = JournalWriter(tmp_path / "ocsd/journal", 0, segment_bytes=2**21)
    block = chunk(layout({"x": Kind.FLOAT}), *[(0.5,)] * 2**15)
    key = journal.block_key(block.layout.origin, block.layout.block_name)
    for number in range(64):
        writer.message(number, float(number), [block])
        cover = journal.Cover(key, Ranges([number, number + 1]))
        writer.event(journal.FrameAppended("1.g3", number, 1, 0, (cover,)))
    writer.close()
    tracemalloc.start()
    assert unframed.read(tmp_path, START).waiting == []
    assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    tracemalloc.stop()


def test_a_torn_segment_hides_nothing_of_the_ones_behind_it(recording):
    send(recording, 5)
    recording.kill()
    *_, last = sorted((recording.folder / "ocsd/journal").glob("*.wal"))
    last.write_bytes(last.read_bytes() + b"torn by a power cut")
    again = Recording(recording.folder, clock=recording.clock)
    again.start()
    send(again, 2, begin=5)
    assert exported(recording.folder) == [0, 1, 2, 3, 4, 5, 6]


def test_a_segment_that_is_gone_when_its_size_is_asked_for_hides_no_samples(recording):
    send(recording, 5)
    (recording.folder / "ocsd/journal/99999999.wal").symlink_to("gone")
    assert exported(recording.folder) == [0, 1, 2, 3, 4]


def test_a_frame_that_a_power_cut_took_away_is_still_in_the_journal(recording):
    send(recording, 3)
    path = recording.files()[-1]
    length = path.stat().st_size
    kept = recording.folder.parent / "kept"
    shutil.copytree(recording.folder / "ocsd", kept)
    recording.run(301, step_s=301)
    with path.open("r+b") as file:
        file.truncate(length)
    assert exported(recording.folder) == [0, 1, 2]


def waits_in(rows):
    """Return what waits, by feed, and what the journal knows of the files."""
    if rows is None:
        return None
    waiting = {}
    for columns in rows.columns:
        values = columns.values["a"]
        waiting.setdefault(columns.feed, []).extend(map(float, values))
    summary = rows.summary()
    samples = {}
    for source in summary.sources if summary else ():
        count = sum(block.samples for block in source.blocks)
        samples[source.feed] = samples.get(source.feed, 0) + count
    return {feed: sorted(values) for feed, values in waiting.items()}, samples, rows.ends


class Scene:
    """A recorder to which things happen."""

    def __init__(self, folder):
        self.folder = folder
        self.recording = Recording(folder, segment_bytes=700, time_per_file_s=50)
        self.recording.start()
        self.count = 0

    def send(self):
        send(self.recording, 2, begin=self.count)
        self.count += 2

    def other_feed(self):
        send(self.recording, 1, begin=self.count, feed="thermo2.feeds.temps")

    def other_type(self):
        self.recording.send([self.recording.clock.at], seq=self.count, a=[0.5], text=["half"])
        self.count += 1

    def tick(self):
        self.recording.run(1)

    def frame(self):
        self.recording.run(320, step_s=40)

    def restart(self):
        self.recording.recorder.close()
        self.recording.start()

    def kill(self):
        self.recording.kill()
        clock = self.recording.clock
        self.recording = Recording(self.folder, 50, clock=clock, segment_bytes=700)
        self.recording.start()


happenings = st.sampled_from(
    [
        *(Scene.send, Scene.send, Scene.other_feed, Scene.other_type, Scene.tick),
        *(Scene.frame, Scene.restart, Scene.kill, None, None),
    ]
)


@settings(max_examples=30)
@given(st.lists(happenings, max_size=25))
def test_a_reader_that_follows_knows_what_one_knows_that_reads_all(happenings):
    with TemporaryDirectory() as name:
        scene = Scene(Path(name))
        reader = unframed.UnframedReader(Path(name))
        for happens in [*happenings, None]:
            if happens:
                happens(scene)
            else:
                now_at = scene.recording.clock.at
                assert waits_in(reader.read(now_at)) == waits_in(unframed.read(Path(name), now_at))
        reader.close()
        scene.recording.recorder.close()


def test_a_reader_of_the_newest_blocks_knows_files_and_fields_as_one_of_all_samples(recording):
    whole = unframed.UnframedReader(recording.folder)
    newest = unframed.UnframedReader(recording.folder, newest_only=True)
    for begin in range(0, 20, 4):
        send(recording, 4, begin)
        recording.run(301, step_s=301)
        now_at = recording.clock.at
        found, expected = newest.read(now_at), whole.read(now_at)
        assert (found.ends, len(found.waiting)) == (expected.ends, len(expected.waiting))
    send(recording, 4, 20)
    (expected,) = whole.read(now_at).of("observatory.thermo1.feeds.temps", ["a"])
    (found,) = newest.read(now_at).of("observatory.thermo1.feeds.temps", ["a"])
    assert expected.values["a"].tolist() == [20, 21, 22, 23]
    assert found.values["a"].tolist() == [23]
