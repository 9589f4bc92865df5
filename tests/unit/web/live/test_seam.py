"""Nothing is missing or twice where live columns and windows of the files meet."""

import itertools
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd import journal
from ocsd.data.archive.archive import Archive
from ocsd.web.live.cursor import LiveBegin
from ocsd.web.live.live import Live
from tests.unit.aggregator.rig import START, Recording
from tests.unit.web.live.written import Viewer

FEED = "thermo1.feeds.temps"
FIELD = f"observatory.{FEED}.x"
SESSION = {"session_id": "1795328999.5", "agg_params": {"frame_length": 4}}

actions = st.sampled_from(["send", "send", "late", "tick", "frame", "poll", "look", "restart"])


class Page:
    """Draws the window up to `begin` and live columns from there, as the page in the browser."""

    def __init__(self, folder, clock, step_s):
        self.archive = Archive(folder, folder / "state", lambda: clock().at)
        self.live = Live(journal.journal_folder(folder), lambda: clock().at)
        self.live.poll()
        self.viewer = Viewer(self.live.watch([FIELD], step_s, clock().at - 10.0))
        self.asked = None
        self.look()

    def look(self):
        before = self.viewer.begins, len(self.viewer.redraws)
        self.viewer.look()
        if before != (self.viewer.begins, len(self.viewer.redraws)):
            window = self.archive.window([FIELD], START - 1000.0, self.viewer.since, 50)
            self.asked = window.fields[FIELD]

    def drawn(self):
        """Return how many samples are drawn, and the least and the greatest."""
        live = self.viewer.columns.get(FIELD, {}).values()
        return (
            int(self.asked.n.sum()) + sum(int(n) for n, *_ in live),
            min([*self.asked.min.tolist(), *(least for _, _, least, *_ in live)]),
            max([*self.asked.max.tolist(), *(greatest for _, _, _, greatest, _ in live)]),
        )


class Agent:
    """Sends samples to a recorder, each with a value of its own."""

    def __init__(self, recording):
        self.recording = recording
        self.values = []
        self._numbers = itertools.count()

    def send(self, back_s, count):
        at = self.recording.clock().at - back_s
        times = [at + 0.25 * i for i in range(count)]
        values = [float(len(self.values) + i) for i in range(count)]
        self.values += values
        number = next(self._numbers)
        self.recording.send(times, feed=FEED, info=SESSION, seq=number, x=values)


class Scene:
    """A recorder, an agent and a page."""

    def __init__(self, folder, step_s):
        self.folder = folder
        self.step_s = step_s
        self.recording = Recording(folder, time_per_file_s=20, segment_bytes=700)
        self.recording.start()
        self.agent = Agent(self.recording)
        self.agent.send(0.0, 1)
        self.page = None

    def do(self, action, data):
        self.recording.clock.advance(0.5)
        if action == "begin":
            self.page = Page(self.folder, self.recording.clock, self.step_s)
        elif action in {"poll", "look"} and self.page:
            {"poll": self.page.live.poll, "look": self.page.look}[action]()
        else:
            self._record(action, data)

    def _record(self, action, data):
        match action:
            case "send":
                self.agent.send(0.0, data.draw(st.integers(1, 4)))
            case "late":
                self.agent.send(data.draw(st.sampled_from([2.0, 11.0, 40.0])), 2)
            case "tick":
                self.recording.run(1)
            case "frame":
                self.recording.run(40, step_s=8.0)  # writes frames, deletes segments
            case "restart":
                self.recording.recorder.close()
                self.recording.start()


@settings(max_examples=25)
@given(
    st.lists(actions, max_size=6),
    st.lists(actions, max_size=16),
    st.sampled_from([0.1, 1.0, 4.0]),
    st.data(),
)
def test_nothing_is_missing_or_twice_where_live_and_history_meet(before, after, step_s, data):
    with TemporaryDirectory() as name:
        scene = Scene(Path(name), step_s)
        for action in [*before, "begin", *after, "poll", "look"]:
            scene.do(action, data)
        values = scene.agent.values
        assert scene.page.drawn() == (len(values), 0.0, values[-1])
        scene.page.live.close()
        scene.recording.recorder.close()


def test_a_restarted_recorder_makes_the_page_begin_anew(tmp_path):
    recording = Recording(tmp_path)
    recording.start()
    agent = Agent(recording)
    agent.send(0.0, 4)
    page = Page(tmp_path, recording.clock, 1.0)
    recording.clock.advance(30)
    agent.send(0.0, 4)
    recording.recorder.close()
    recording.start()
    recording.clock.advance(1)
    agent.send(0.0, 4)
    page.live.poll()
    page.look()
    assert page.viewer.begins == 2
    assert page.drawn()[0] == 12
    assert isinstance(page.viewer.cursor.updates(), list)
    page.live.close()
    recording.recorder.close()


def test_windows_and_live_columns_have_the_same_edges(tmp_path):
    recording = Recording(tmp_path)
    recording.start()
    agent = Agent(recording)
    for _ in range(8):
        agent.send(0.0, 4)
        recording.clock.advance(1)
    live = Live(journal.journal_folder(tmp_path), lambda: recording.clock().at)
    live.poll()
    viewer = Viewer(live.watch([FIELD], 2.0, START + 2.0))
    viewer.look()
    archive = Archive(tmp_path, tmp_path / "state", lambda: recording.clock().at)
    window = archive.window([FIELD], viewer.since, viewer.since + 8.0, 4)
    drawn = viewer.columns[FIELD]
    assert window.column_s == 2.0
    assert LiveBegin(viewer.since, 2.0).since % 2.0 == 0
    for at, n, least, greatest in zip(
        *(window.fields[FIELD].t, window.fields[FIELD].n),
        *(window.fields[FIELD].min, window.fields[FIELD].max),
        strict=True,
    ):
        np.testing.assert_equal(drawn[at][:4], (n, 0.0, least, greatest))
    live.close()
    recording.recorder.close()
