"""The writer beside a recorder: whatever happens, the database has what the files have."""

import json

import pytest

from ocsd.export.databases import cursor as cursors
from ocsd.export.databases import trails
from ocsd.export.databases.cursor import (
    Cursor,
    CursorFile,
    FilePlace,
    FileSpan,
    JournalSpan,
    Position,
)
from ocsd.export.databases.inbox import Inbox
from ocsd.export.databases.line_destination import LineDestination
from ocsd.export.databases.writer import Writer
from ocsd.journal import JournalPlace, follower
from tests.unit.aggregator.rig import Recording
from tests.unit.export.databases.database import AtOnce, MemoryDatabase, values_of_files


class Aside:
    def __init__(self):
        self.lines = []

    def add(self, at, sender, message, feed_info, reason):
        self.lines.append((sender, message, reason))


class Site:
    """A recorder, a database and a writer with one clock."""

    def __init__(self, folder):
        # Small segments, so that what is in files soon goes from the journal.
        self.recording = Recording(folder / "data", segment_bytes=2**14)
        self.recording.folder.mkdir()
        self.recording.start()
        self.clock = self.recording.clock
        self.database = MemoryDatabase()
        self.aside = Aside()
        self.number = 0
        self.settle_s = 0.0
        self._cursor = folder / "cursor.json"
        self.begin()

    def begin(self):
        """Start another writer, as after a kill."""
        self.inbox = Inbox(takes_all=False, clock=lambda: self.clock.at)
        cursor = CursorFile(self._cursor, self.settle_s)
        folder = self.recording.folder
        database = LineDestination(self.database)
        parts = database, folder, cursor, self.aside, self.inbox, self.clock
        self.writer = Writer(*parts, executor=AtOnce())

    def publish(self, seconds, **more):
        """Let a feed publish ten samples a second, and the recorder work."""
        for _ in range(seconds):
            times = [self.clock.at + place / 10 for place in range(10)]
            values = {"a": [at % 7 for at in times], "n": list(range(10))} | more
            self.recording.send(times, seq=self.number, **values)
            self.number += 1
            self.recording.run(1)

    def write(self, most=500):
        """Let the writer work until nothing is left."""
        for _ in range(most):
            self.writer.step()
            report = self.writer.report()
            if not self.writer._source or self.writer._source.cursor.spans:
                continue
            if not self.writer._source.behind:
                return report
        return report

    def end(self):
        """End the recorder in order, and compare."""
        self.recording.recorder.close()
        self.write()
        assert self.database.values == values_of_files(self.recording.folder)


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_samples_are_written_before_they_are_in_a_file(site):
    site.publish(5)
    site.write()
    assert len(site.database.values) == 2 * 50
    site.end()


@pytest.mark.parametrize("cause", ["the folder is not there", "no aggregator of this host records"])
def test_a_folder_without_a_journal_is_told(site, tmp_path, cause):
    folder = tmp_path / "nope"
    if cause.startswith("no aggregator"):
        folder.mkdir()
    database = LineDestination(site.database)
    cursor = CursorFile(tmp_path / "other.json")
    parts = database, folder, cursor, site.aside, site.inbox, site.clock
    site.writer = Writer(*parts, executor=AtOnce())
    site.writer.step()
    assert site.writer.report()["reason"] == ""  # The aggregator may start later than we.
    site.clock.advance(60)
    site.writer.step()
    report = site.writer.report()
    assert f"there is no journal in {folder}" in report["reason"]
    assert cause in report["reason"]
    assert "correct --data-dir" in report["reason"]
    assert (report["lag_s"], report["newest_s"]) == (60, 60)


def test_a_database_that_was_away_has_everything_afterwards(site):
    site.publish(20)
    site.write()
    site.database.away = True
    for _ in range(4):
        site.publish(400)  # longer than the journal keeps
        site.writer.step()
        site.writer.step()
    report = site.writer.report()
    assert not report["connected"]
    assert "does not answer" in report["reason"]
    assert "nothing is lost" in report["reason"]
    assert report["backlog_bytes"] > 0
    site.database.away = False
    report = site.write()
    assert report["connected"]
    assert report["reason"] == ""
    assert len(site.database.values) == 2 * 10 * site.number
    site.end()


def test_what_is_new_comes_first_after_an_outage(site):
    site.publish(5)
    site.write()
    site.database.away = True
    wide = {f"wide{number}": [0.5] * 10 for number in range(300)}
    site.publish(250, **wide)
    site.writer.step()
    site.writer.step()
    site.database.away = False
    site.writer.step()
    site.publish(2, **wide)
    newest = site.clock.at - 1
    site.writer.step()
    assert any(time > newest * 1e9 for _, _, time in site.database.values)
    assert site.database.arrived < 10 * site.number
    site.write()
    site.end()


def test_a_writer_that_was_killed_goes_on_where_it_was(site):
    for seconds in (3, 30, 400, 3, 700):
        site.publish(seconds)
        site.writer.step()
        site.begin()
        site.publish(2)
        site.write()
    site.end()
    assert site.database.arrived < 2 * 10 * site.number


def test_a_recorder_that_was_killed_or_ended_costs_nothing(site):
    site.publish(30)
    site.write()
    site.recording.kill()
    site.recording.start()
    site.publish(30)
    site.recording.recorder.close()  # its journal is gone before the writer has read it
    site.recording.start()
    site.publish(30)
    site.write()
    assert len(site.database.values) == 2 * 10 * site.number
    site.end()


def test_a_recorder_that_ended_while_the_writer_was_away_has_left_all_in_files(site):
    site.publish(30)
    site.write()
    site.publish(400)
    site.recording.recorder.close()
    site.begin()
    site.write()
    assert len(site.database.values) == 2 * 10 * site.number
    site.writer.close()
    site.begin()
    arrived = site.database.arrived
    site.write()
    assert site.database.arrived == arrived
    site.recording.start()
    site.publish(3)
    site.write()
    site.end()


def test_what_a_recorder_deletes_unread_behind_the_present_segment_is_written(site):
    site.publish(30)
    site.write()
    site.publish(400)  # further segments than the one that the writer has open
    site.recording.recorder.close()
    site.write()
    assert len(site.database.values) == 2 * 10 * site.number
    arrived = site.database.arrived
    site.write()
    assert site.database.arrived == arrived


def test_a_first_life_that_ended_early_is_no_reason_to_begin_anew(site):
    site.writer.step()  # before anything was recorded
    site.writer.close()
    site.publish(700)  # longer than the journal keeps
    site.begin()
    site.write()
    assert len(site.database.values) == 2 * 10 * site.number
    site.end()


def test_the_first_start_leaves_out_what_is_no_longer_in_the_journal(tmp_path):
    site = Site(tmp_path)
    site.publish(700)
    site.write()
    assert 0 < len(site.database.values) < 2 * 10 * site.number
    assert site.writer.condition.leaves_out_files
    site.writer.close()
    site.begin()
    site.write()
    assert not site.writer.condition.leaves_out_files


def test_refused_lines_are_set_aside_and_counted(site):
    site.database.refuses = {"n=3i": "field type conflict"}
    site.publish(2)
    report = site.write()
    assert report["refused"] == {"observatory.thermo1": 2}
    assert report["refused_because"] == {"observatory.thermo1": "field type conflict"}
    assert "2 lines were refused" in report["reason"]
    assert [reason for _, _, reason in site.aside.lines] == ["field type conflict"] * 2
    assert len(site.database.values) == 2 * 20 - 2


def test_a_database_that_settles_late_gets_again_what_it_may_have_lost(site):
    site.settle_s = 10.0
    site.begin()
    site.publish(5)
    site.write()
    site.database.values.clear()  # killed, with all that was not on its disk
    site.database.away = True
    site.publish(1)
    site.writer.step()
    site.database.away = False
    site.write()
    site.end()


def test_a_database_that_settles_late_and_fails_in_its_first_life_misses_nothing(site):
    site.settle_s = 10.0
    site.begin()
    for _ in range(3):
        site.publish(2)
        site.writer.step()
        site.database.values.clear()
        site.database.away = True
        site.publish(700)  # what was acknowledged is in files only
        site.writer.step()
        site.database.away = False
    site.write()
    site.end()


def test_frames_before_the_place_in_a_file_are_passed_over_without_a_pause(site):
    site.write()
    info = {"agg_params": {"frame_length": 1.0}}
    for _ in range(100):
        site.recording.send([site.clock.at], info=info, a=[1.0])
        site.recording.run(2)
    site.write()
    site.database.away = True
    site.publish(700)
    site.writer.step()
    site.database.away = False
    delays = [site.writer.step()]
    site.publish(2)  # from here on it is known where the newest entries begin
    while site.writer._source.cursor.spans:
        delays.append(site.writer.step())
    assert len(delays) > 100
    assert sum(delays) < 5
    site.write()
    site.end()


def test_tags_are_in_the_points_of_the_journal_and_of_the_files(site):
    tags = {"a": {"_field": "temperature", "channel": 1}}
    info = {"agent_address": "observatory.thermo1", "address": "observatory.thermo1.feeds.temps"}
    info |= {"session_id": "1795328000.5", "record": True, "agent_class": "Thermo", "seq": 0}
    block = {"block_name": "b", "timestamps": [site.clock.at], "data": {"a": [1.5]}}
    site.recording.recorder.accept({"b": block | {"influxdb_tags": tags}}, info)
    site.recording.run(2)
    site.write()
    series = "Thermo,feed=temps,address_root=observatory,instance_id=thermo1,channel=1"
    assert [key[:2] for key in site.database.values] == [(series, "temperature")]
    site.end()  # compares with the files


def test_tags_that_change_are_those_of_each_sample(site):
    site.publish(1)
    site.write()
    info = {"agent_address": "observatory.thermo1", "address": "observatory.thermo1.feeds.temps"}
    info |= {"session_id": "1795328000.5", "record": True, "agent_class": "Thermo"}
    for number in range(40):
        # The same session, block and fields; tags that change now and then, and none at all.
        tags = {"a": {"_field": "temperature", "channel": number // 9}} if number % 9 else None
        block = {"block_name": "b", "timestamps": [site.clock.at], "data": {"a": [float(number)]}}
        if tags:
            block |= {"influxdb_tags": tags}
        site.recording.recorder.accept({"b": block}, info | {"seq": site.number})
        site.number += 1
        site.recording.run(1)
    site.publish(700)  # longer than the journal keeps: all of this comes from files
    site.write()
    tagged = {
        int(float(value)): series
        for (series, field, _), value in site.database.values.items()
        if field == "temperature"
    }
    assert sorted(tagged) == [number for number in range(40) if number % 9]
    assert all(f"channel={number // 9}" in series for number, series in tagged.items())
    site.end()


def test_a_feed_that_excludes_influx_is_not_written(site):
    site.recording.send([site.clock.at], info={"agg_params": {"exclude_influx": True}}, a=[1.0])
    site.recording.run(2)
    site.write()
    assert site.database.values == {}
    site.end()


def test_a_feed_that_excludes_the_aggregator_comes_off_the_bus(site):
    info = {"agent_address": "observatory.thermo1", "address": "observatory.thermo1.feeds.temps"}
    info |= {"session_id": "1795328000.5", "record": True}
    message = {"b": {"block_name": "b", "timestamps": [site.clock.at], "data": {"a": [1.5]}}}
    site.inbox.receive((message, info))  # is in the journal
    assert site.inbox.waiting == 0
    site.inbox.receive((message, info | {"agg_params": {"exclude_aggregator": True}}))
    site.database.away = True
    site.writer.step()
    assert site.inbox.waiting == 1
    site.database.away = False
    site.writer.step()
    assert site.inbox.waiting == 0
    assert len(site.database.values) == 1


def test_a_message_off_the_bus_that_cannot_be_read_is_set_aside(site):
    info = {"agg_params": {"exclude_aggregator": True}, "record": True, "session_id": "1.5"}
    info |= {"address": "observatory.x.feeds.y", "agent_address": "observatory.x"}
    block = {"block_name": "b", "timestamps": [site.clock.at], "data": {"a": [1.0, 2.0]}}
    site.inbox.receive(({"b": block}, info))
    site.database.away = True
    site.writer.step()
    site.database.away = False
    report = site.write()
    assert report["refused"] == {"observatory.x.feeds.y": 1}
    assert "1 lines were refused" in report["reason"]
    assert site.aside.lines[0][:2] == ("observatory.x.feeds.y", {"b": block})
    assert site.inbox.waiting == 0


def test_a_cursor_comes_back_from_its_file(tmp_path):
    position = Position(JournalPlace(3, 400, 5, 6.5), FilePlace("17953/1795328225.g3", 7))
    spans = (
        FileSpan(FilePlace("17953/1795328225.g3", 0), FilePlace("17953/1795328225.g3", 9)),
        JournalSpan(position, JournalPlace(4, 9, 1, 7.5)),
    )
    cursor = Cursor(position, spans)
    assert cursors.decoded(json.loads(json.dumps(cursors.encoded(cursor)))) == cursor


def test_a_damaged_cursor_is_told_and_moved_aside(site, tmp_path):
    site.publish(700)
    (tmp_path / "cursor.json").write_text('{"live": {"pla')
    report = site.write()
    assert "the cursor is damaged" in report["reason"]
    assert "cursor.json.damaged" in report["reason"]
    assert site.writer.condition.leaves_out_files
    assert (tmp_path / "cursor.json.damaged").read_text() == '{"live": {"pla'
    assert site.database.values


def test_a_cursor_that_cannot_be_read_is_waited_for(site, tmp_path):
    site.publish(20)
    site.write()
    site.writer.close()
    kept = (tmp_path / "cursor.json").rename(tmp_path / "kept")
    (tmp_path / "cursor.json").mkdir()  # for root, no mode makes a file unreadable
    site.publish(700)  # longer than the journal keeps
    site.begin()
    site.writer.step()
    assert "nothing is written until it can be" in site.writer.report()["reason"]
    (tmp_path / "cursor.json").rmdir()
    kept.rename(tmp_path / "cursor.json")
    site.write()
    assert not site.writer.condition.leaves_out_files
    site.end()


def test_a_leap_whose_newest_entries_never_came_is_taken_back():
    position = Position(JournalPlace(3, 400, 5, 6.5), None)
    leapt = Cursor(Position(), (JournalSpan(position),))
    assert leapt.settled() == Cursor(position)
    assert Cursor(position).settled() == Cursor(position)


def test_a_clock_that_was_set_back_costs_nothing(site):
    site.publish(20)
    site.write()
    site.clock.at -= 7200.0  # files are named by the time
    site.publish(20)
    site.write()
    site.database.away = True
    site.writer.step()
    site.publish(1600)  # longer than the journal keeps
    site.database.away = False
    site.write()
    site.end()


def test_a_recorder_that_ends_while_old_entries_are_written_costs_nothing(site, monkeypatch):
    for module, name in ((trails, "CHUNK_BYTES"), (follower, "_CHUNK_BYTES")):
        monkeypatch.setattr(module, name, 2**13)  # several pieces of a segment
    site.publish(20)
    site.write()
    site.database.away = True
    wide = {f"wide{number}": [0.5] * 10 for number in range(50)}
    site.publish(30, **wide)
    site.writer.step()
    site.writer.step()
    site.database.away = False
    site.writer.step()
    site.publish(1, **wide)
    site.writer.step()
    site.publish(1, **wide)
    for _ in range(5):
        site.writer.step()
    assert site.writer._source._old.behind
    site.end()
