"""The recorder reads what this host's agents publish, from their spools."""

import errno
import os
import shutil

import pytest

from ocsd.agent.spool import segment
from ocsd.aggregator.local import feed_tail, notices, reading
from ocsd.aggregator.local.reading import POLL_EVERY_S, LocalSpools
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.reactor import threads
from tests.unit.agent.spool.spool_life import Life
from tests.unit.aggregator.rig import START

SESSION = repr(START + 1)
KEY = SourceKey("observatory.thermo1.feeds.temps", SESSION)
FEED = "thermo1.feeds.temps"


class Reactor:
    """Does at once what a thread asks for, and keeps who waits for a descriptor."""

    def __init__(self):
        self.readers = set()
        self.later = []

    def callFromThread(self, function, *args):
        function(*args)

    def addReader(self, reader):
        self.readers.add(reader)

    def removeReader(self, reader):
        self.readers.discard(reader)

    def callLater(self, delay_s, function):
        self.later.append(function)
        return self

    def cancel(self):
        self.later.clear()


class Scene:
    """A recorder, its reading of spools, and agents that write them."""

    def __init__(self, recording, folder):
        self.recording = recording
        self.folder = folder
        self.now_s = 0.0
        self.woken = 0
        self.lives = []
        self.local = self.reading()

    def reading(self):
        def wake():
            self.woken += 1

        log = self.recording.log
        return LocalSpools(self.folder, "observatory", wake, log, lambda: self.now_s)

    def life(self, session_id=SESSION, instance="thermo1"):
        life = Life(self.folder / instance, session_id)
        life.more_info = {"record": True, "address": f"observatory.{instance}.feeds.temps"}
        self.lives.append(life)
        return life

    def read(self):
        while self.local.read(self.recording.recorder):
            pass
        return self.recorded()

    def recorded(self, key=KEY):
        return self.recording.recorder.seen(key).bounds

    def put(self, life, count=1):
        for _ in range(count):
            number = life.feeds["temps"].next_number if life.feeds else 0
            at = self.recording.clock.at + number / 100
            block = {"block_name": "b", "timestamps": [at], "data": {"n": [number]}}
            life.put("temps", {"b": block})


@pytest.fixture
def reactor():
    reactor = Reactor()
    threads.use_reactor(reactor)
    yield reactor
    threads.use_reactor(None)
    assert not reactor.readers


@pytest.fixture
def scene(reactor, recording, tmp_path):
    scene = Scene(recording, tmp_path / "spool")
    (tmp_path / "spool").mkdir()
    yield scene
    scene.local.close()
    for life in scene.lives:
        for feed in life.feeds.values():
            feed.spool.close()


def test_what_is_in_the_spools_is_recorded_and_what_the_router_brings_of_it_is_left_out(scene):
    life = scene.life()
    assert scene.read() == []
    scene.put(life, 3)
    assert scene.read() == [0, 3]
    assert scene.local.has({"address": KEY.address, "session_id": KEY.session_id})
    assert not scene.local.has({"address": KEY.address, "session_id": "other"})
    assert not scene.local.has({"address": [], "session_id": "other"})
    scene.put(life, 2)
    assert scene.read() == [0, 5]
    scene.recording.recorder.close()
    assert list(scene.recording.read(f"{FEED}.n")[1]) == [0, 1, 2, 3, 4]
    assert scene.local.messages == 5


def test_a_notice_wakes_once_and_costs_nothing_while_nothing_is_written(scene, reactor):
    life = scene.life()
    scene.put(life)
    scene.read()
    [waking] = reactor.readers
    assert scene.local._notices.take() == set()
    scene.put(life, 50)
    waking.doRead()
    assert not reactor.readers
    waking.go_on()  # not before those that came meanwhile have been taken
    assert not reactor.readers
    [gathered] = reactor.later
    gathered()
    assert scene.woken == 1
    assert scene.local._notices.take() == {f"{scene.folder}/thermo1/{SESSION}/temps"}


def test_a_new_life_a_new_feed_and_a_new_agent_are_found_by_their_notices(scene):
    scene.read()
    for life in (scene.life(), scene.life(repr(START + 2)), scene.life(instance="thermo2")):
        scene.put(life)
        scene.read()
    assert len(scene.local.keys) == 3


def test_what_was_recorded_before_is_not_read_again(scene):
    life = scene.life()
    scene.put(life, 5)
    scene.read()
    scene.local.close()
    scene.put(life, 5)
    scene.local = scene.reading()
    assert scene.read() == [0, 10]
    assert scene.local.messages == 5
    assert scene.recording.recorder.encoded()["duplicates"] == {}


def test_a_source_that_is_behind_is_not_asked_for(scene, monkeypatch):
    monkeypatch.setattr(reading, "READ_S", 0.0)
    life = scene.life()
    scene.put(life, 5)
    assert scene.local.read(scene.recording.recorder)
    assert scene.local.behind() == {KEY}
    scene.local.read_feeds(scene.recording.recorder, {KEY: 5})
    assert scene.recorded() == [0, 5]
    assert scene.local.behind() == set()


def test_nothing_is_read_while_the_recording_pauses_and_nothing_is_left_out(scene, monkeypatch):
    life = scene.life()
    scene.put(life, 2)
    scene.read()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(scene.recording.parts.writer, "messages", full)
    monkeypatch.setattr(scene.recording.parts.writer, "event", full)
    scene.put(life, 3)
    scene.read()
    assert scene.recording.recorder.paused
    scene.put(life, 3)
    scene.read()
    assert scene.recorded() == [0, 2]
    scene.local.read_feeds(scene.recording.recorder, {KEY: 8})
    monkeypatch.undo()
    scene.recording.run(2)
    assert scene.local.behind() == {KEY}  # so its agent is not asked
    assert scene.read() == [0, 8]
    assert scene.recording.recorder.encoded()["missing"] == {}


def test_a_spool_that_is_removed_while_its_agent_lives_is_not_local_any_more(scene):
    life = scene.life()
    scene.put(life)
    scene.read()
    shutil.rmtree(scene.folder / "thermo1")
    scene.read()
    assert scene.local.keys == set()


def test_a_spool_of_another_user_is_left_to_the_router(scene):
    if os.geteuid() != 0:
        pytest.skip("needs root to give a folder to another user")
    life = scene.life()
    scene.put(life)
    os.chown(scene.folder / "thermo1", 12345, 12345)
    assert scene.read() == []
    assert scene.local.keys == set()


def test_what_another_user_wrote_is_not_read_although_its_folder_was_given_to_us(scene):
    if os.geteuid() != 0:
        pytest.skip("needs root to give a file to another user")
    life = scene.life()
    scene.put(life)
    [path] = scene.folder.glob("*/*/*/*.spool")
    os.chown(path, 12345, 12345)
    assert scene.read() == []
    assert scene.local.keys == set()


def test_a_defect_of_ours_leaves_a_feed_to_the_router_and_does_not_end_the_recording(
    scene, monkeypatch
):
    life = scene.life()
    scene.put(life)
    scene.read()
    with monkeypatch.context() as defect:
        defect.setattr(feed_tail.FeedTail, "_take", lambda *_: 1 / 0)
        for _ in range(2):
            scene.put(life)
            assert scene.read() == [0, 1]
        assert scene.local.keys == set()
        assert len([line for line in scene.recording.log.lines if "ZeroDivision" in line]) == 1
    scene.put(life)
    assert scene.read() == [0, 4]
    assert scene.local.keys == {KEY}


@pytest.mark.parametrize("small", [{"spool_time": 5}, {"spool_size": "1M"}])
def test_a_spool_that_may_drop_a_message_before_it_is_read_is_left_to_the_router(scene, small):
    life = scene.life()
    life.more_info["agg_params"] = small
    scene.put(life)
    assert scene.read() == []
    assert scene.local.keys == set()


def test_what_its_agent_has_in_memory_comes_over_the_router(scene, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    life = scene.life()
    scene.put(life)
    scene.read()
    scene.local.read_feeds(scene.recording.recorder, {KEY: 1})
    assert scene.local.keys == {KEY}
    monkeypatch.setattr(segment.FileSegment, "write", full)
    scene.put(life, 2)
    scene.local.read_feeds(scene.recording.recorder, {KEY: 3})
    assert scene.local.keys == set()
    scene.local._due |= dict.fromkeys(scene.local._tails)
    scene.read()
    assert scene.local.keys == set()
    monkeypatch.undo()
    life.now_s += 6.0
    scene.put(life)
    assert scene.read() == [0, 4]
    assert scene.local.keys == {KEY}


def test_a_session_that_the_ledger_has_forgotten_is_not_recorded_again(scene):
    life = scene.life(session_id=repr(START + 1))
    scene.put(life)
    scene.recording.clock.advance(40 * 86400)
    assert scene.read() == []


def test_nor_if_it_was_read_before_the_ledger_forgot_it(scene):
    life = scene.life()
    scene.put(life, 3)
    scene.read()
    recorder = scene.recording.recorder
    recorder._ledger.sources.clear()
    recorder._introductions.forget()
    scene.recording.clock.advance(40 * 86400)
    [(path, tail)] = scene.local._tails.items()
    tail.rewind()
    scene.local._due[path] = None
    assert scene.read() == []
    assert scene.local.keys == set()


def test_what_was_read_before_the_disk_failed_is_read_again(scene, monkeypatch):
    monkeypatch.setattr(feed_tail, "PAGE_BYTES", 500)
    life = scene.life()
    scene.put(life, 20)
    usual = os.pread

    def fails(descriptor, length, offset):
        if offset:
            raise OSError(errno.EIO, "Input/output error")
        return usual(descriptor, length, offset)

    with monkeypatch.context() as disk:
        disk.setattr(feed_tail.os, "pread", fails)
        assert scene.read() == []
    scene.local._due |= dict.fromkeys(scene.local._tails)
    assert scene.read() == [0, 20]


def test_a_folder_that_the_first_agent_makes_is_found_within_a_second(scene):
    scene.folder.rmdir()
    scene.read()
    life = scene.life()
    scene.put(life)
    scene.now_s += POLL_EVERY_S
    assert scene.read() == [0, 1]
    scene.put(life)
    assert scene.read() == [0, 2]


def test_without_notices_the_spools_are_read_once_a_second(scene, monkeypatch):
    def none_left(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(notices.Notices, "_read", lambda _: b"")
    monkeypatch.setattr(notices.Notices, "watch_feed", none_left)
    life = scene.life()
    scene.put(life)
    assert scene.read() == [0, 1]
    assert "no notices left" in scene.recording.log.lines[-1]
    scene.put(life)
    assert scene.read() == [0, 1]
    scene.now_s += POLL_EVERY_S
    assert scene.read() == [0, 2]


def test_the_last_read_finds_feeds_that_no_notice_has_told_of(scene, monkeypatch):
    scene.read()
    monkeypatch.setattr(notices.Notices, "_read", lambda _: b"")
    scene.put(scene.life())
    assert scene.read() == []
    scene.local.read_all(scene.recording.recorder)
    assert scene.recorded() == [0, 1]


def test_an_aggregator_by_hand_reads_no_spool(recording):
    local = LocalSpools(None, "observatory", lambda: None, recording.log)
    assert not local.read(recording.recorder)
    local.close()


def test_lost_notices_have_everything_looked_at(scene, monkeypatch):
    life = scene.life()
    scene.put(life)
    scene.read()
    overflow = [notices._EVENT.pack(-1, notices.IN_Q_OVERFLOW, 0, 0)]
    scene.local._notices.take()
    scene.put(life)
    monkeypatch.setattr(notices.Notices, "_read", lambda _: overflow.pop() if overflow else b"")
    assert scene.read() == [0, 2]
