"""Whenever the recorder dies, and however often, each sample is in the files once."""

import contextlib
import os
from collections import Counter
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocsd.aggregator.disk import upkeep
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.aggregator.recording import frame_writing, opening
from tests.unit.aggregator.faults import Disk, Killed
from tests.unit.aggregator.rig import Clock, Recording, frames_of

NUMBERED = "thermo1.feeds.temps"
OLD = "old1.feeds.x"
SESSION = "1795328999.5"  # after the recording began, so number 0 counts
KEY = SourceKey(f"observatory.{NUMBERED}", SESSION)
INFO = {"session_id": SESSION, "agg_params": {"frame_length": 3}}


class Story:
    """A site with one agent that numbers its messages, and one that does not."""

    def __init__(self, folder):
        self.folder = folder
        self.clock = Clock()
        self.disk = Disk()
        self.published = 0
        self.old_accepted = 0
        self.certain = set()
        self.recording = None

    def start(self):
        self.recording = Recording(
            self.folder, time_per_file_s=10, clock=self.clock, segment_bytes=800
        )
        self.recording.start()

    def alive(self, action):
        """Do something; if it kills the recorder, start it again until it lives."""
        while True:
            try:
                return action()
            except Killed:
                action = self.restart

    def restart(self, power_left=None):
        close_what_a_dead_process_held(self.folder)
        if power_left is not None:
            self.disk.cut_power(self.folder, power_left)
        self.start()
        self.recording.announce(KEY, self.published)

    def publish(self, *, heard):
        self.published += 1
        if heard:
            self.alive(lambda: self.send(self.published - 1))

    def send(self, number):
        at = 1_795_329_000.0 + number
        values = {"a": [number, number + 0.25] if number % 7 == 6 else [number, number]}
        info = INFO | {"seq": number}
        self.recording.send([at, at + 0.5], feed=NUMBERED, info=info, n=[number] * 2, **values)

    def send_old(self):
        self.recording.send(
            [1_795_329_000.0 + self.old_accepted], feed=OLD, info=INFO, a=[self.old_accepted]
        )

    def publish_old(self):
        lives = self.recording
        self.alive(self.send_old)
        self.old_accepted += 1
        return lives is self.recording  # else it was in flight: written or not

    def wait(self, seconds):
        for _ in range(seconds):
            self.clock.advance(1)
            self.alive(lambda: self.recording.recorder.tick())

    def do(self, action, argument):
        match action:
            case "publish":
                self.publish(heard=argument)
            case "old":
                if self.publish_old():
                    self.certain.add(self.old_accepted - 1)
            case "wait":
                self.wait(argument)
            case "die":
                self.disk.die_after(*argument)
            case "power":
                self.certain.clear()
                self.alive(lambda: self.restart(argument))
            case _:
                getattr(self, action)()

    def stop(self):
        """End in order, and start again."""
        self.alive(self._close)

    def _close(self):
        self.recording.recorder.close()
        self.start()
        self.recording.announce(KEY, self.published)

    def fetch(self):
        for first, end in self.recording.recorder.pending()[KEY].missing:
            for number in range(first, end):
                self.alive(lambda number=number: self.send(number))

    def finish(self):
        self.recording.announce(KEY, self.published)
        self.disk.left = None
        self.fetch()
        self.recording.recorder.close()


def close_what_a_dead_process_held(folder):
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/self/fd/{descriptor}").startswith(f"{folder}/"):
                os.close(descriptor)


actions = st.lists(
    st.one_of(
        st.just(("publish", True)),
        st.just(("publish", True)),
        st.just(("publish", False)),
        st.just(("old", None)),
        st.just(("fetch", None)),
        st.just(("stop", None)),
        st.tuples(st.just("wait"), st.integers(1, 6)),
        st.tuples(st.just("die"), st.tuples(st.integers(0, 12), st.floats(0, 1))),
        st.tuples(st.just("die"), st.tuples(st.integers(0, 12), st.floats(0, 1))),
        st.tuples(st.just("power"), st.floats(0, 1)),
    ),
    min_size=5,
    max_size=40,
)


@pytest.fixture(autouse=True, scope="module")
def _small():
    with (
        mock.patch.object(frame_writing, "LARGEST_FRAME_BYTES", 2000),
        mock.patch.object(upkeep, "ROUND_S", 2.0),
        # Ours would not go with the "process".
        mock.patch.object(opening, "Lock"),
    ):
        yield


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(actions)
def test_after_any_crash_each_sample_is_in_the_files_exactly_once(tmp_path_factory, script):
    story = Story(tmp_path_factory.mktemp("data"))
    with story.disk():
        story.start()
        story.clock.advance(1)
        story.recording.announce(KEY, 0)
        for action, argument in script:
            story.do(action, argument)
        story.finish()
    check(story, story.certain)


def check(story, certain):
    read = story.recording
    for path in read.files():
        assert frames_of(path)[0]["hkagg_type"] == 0
    count = story.published
    if count:
        numbers = read.raw(NUMBERED, "n")
        assert Counter(numbers) == dict.fromkeys(range(count), 2)
        values = Counter(read.raw(NUMBERED, "a"))
        assert values == Counter(
            value for n in range(count) for value in ([n, n + 0.25] if n % 7 == 6 else [n, n])
        )
    if certain:
        old = Counter(read.raw(OLD, "a"))
        assert set(old) >= certain
        assert set(old.values()) == {1}
    assert read.recorder.encoded()["missing"] == {}
    assert read.recorder.encoded()["refused"] == {}
    assert read.recorder.encoded()["lost"] == {}
    assert not list((story.folder / "ocsd" / "journal").glob("*.wal"))
    assert not any("defect" in line for line in read.log.lines)
