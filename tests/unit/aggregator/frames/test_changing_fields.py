"""A feed whose fields change, in type or in number, loses nothing."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.aggregator.frames.field_kinds import FieldKinds
from ocsd.data import check, table
from ocsd.data.folder import DataFolder
from tests.unit.aggregator.rig import START, Recording, data_frames_of, types_of

FIELD = "thermo1.feeds.temps.a"
_VALUES = st.one_of(
    st.booleans(), st.integers(-(2**53), 2**53), st.floats(-1e6, 1e6).map(lambda x: x + 0.25)
)
_TEXTS = st.sampled_from(["12.5", "open", ""])
_BETWEEN = st.sampled_from(["", "", "frame", "file", "close", "kill", "agent"])


def test_a_field_that_turns_from_0_to_a_half_becomes_float(recording):
    recording.send([START], a=[0], n=[1])
    recording.send([START + 1, START + 2], a=[0.5, 1], n=[2, 3])
    recording.recorder.close()
    assert list(recording.read("thermo1.feeds.temps.a")[1]) == [0.0, 0.5, 1.0]
    read = recording.read("thermo1.feeds.temps.n")[1]
    assert read.dtype == np.int64
    assert types_of(recording.files()[0]).count(2) == 1


def test_after_a_frame_with_ints_floats_start_a_new_provider_and_stay_floats(recording):
    recording.send([START], a=[0])
    recording.run(301, step_s=301)
    recording.send([START + 301], a=[0.5])
    recording.send([START + 302], a=[1])
    recording.recorder.close()
    data = data_frames_of(recording.files()[0])
    assert [f["prov_id"] for f in data] == [0, 1]
    assert list(data[1]["blocks"][0]["a"]) == [0.5, 1.0]


@pytest.mark.parametrize("wait_s", [1, 60])
def test_a_changed_set_of_fields_starts_a_new_provider_and_nothing_is_lost(recording, wait_s):
    recording.send([START], a=[1.0])
    recording.run(wait_s)
    recording.send([recording.clock.at], a=[2.0], c=["x"])
    recording.recorder.close()
    assert list(recording.read("thermo1.feeds.temps.a")[1]) == [1.0, 2.0]
    assert list(recording.read("thermo1.feeds.temps.c")[1]) == ["x"]


def test_two_sets_of_fields_in_turn_get_two_providers_not_hundreds(recording):
    for i in range(300):
        recording.send([recording.clock.at], **({"a": [i]} if i % 2 else {"a": [i], "c": [i]}))
        recording.run(1)
    recording.recorder.close()
    data = data_frames_of(recording.files()[0])
    assert {f["prov_id"] for f in data} == {0, 1}
    assert len(data) <= 4
    assert sorted(recording.read("thermo1.feeds.temps.a")[1]) == list(range(300))


def test_a_field_that_turns_from_number_to_text_keeps_both(recording):
    recording.send([START], a=[1.0])
    recording.send([START + 1], a=["broken"])
    recording.recorder.close()
    data = data_frames_of(recording.files()[0])
    assert [list(f["blocks"][0]["a"]) for f in data] == [[1.0], ["broken"]]


class _Story:
    """Values of one field that are published one by one, with something in between."""

    def __init__(self, folder):
        self.recording = Recording(Path(folder))
        self.recording.start()
        self.life = 1_795_328_000.5
        self.published = []
        self.block = ""
        self.told = {}

    def publish(self, value, block):
        if block != self.block:
            # so3g cannot put samples of two blocks of one frame in order.
            self.do("frame")
            self.block = block
        at = self.recording.clock.at
        self.published.append((at, value))
        info = {"session_id": repr(self.life)}
        self.recording.send([at], block=block, info=info, a=[value])
        self.recording.run(1)

    def do(self, action):
        recording = self.recording
        if action == "frame":
            recording.run(301, step_s=301)
        elif action == "file":
            recording.run(3601, step_s=3601)
        elif action == "agent":
            self.life += 1000.0
        elif action in {"close", "kill"}:
            if action == "close":
                recording.recorder.close()
            else:
                recording.kill()
            self.note()
            self.recording = Recording(recording.folder, clock=recording.clock)
            recording.clock.advance(2)
            self.recording.start()

    def end(self):
        self.recording.recorder.close()
        self.note()

    def note(self):
        self.told |= self.recording.recorder.encoded()["retyped"]


def _tell(folder, steps):
    story = _Story(folder)
    for value, block, action in steps:
        story.publish(value, block)
        story.do(action)
    story.end()
    return story


def _checked(recording):
    """Return what `ocsd data verify` says of all files, without the changes of a type."""
    kinds = FieldKinds()
    found = [each for path in recording.files() for each in check.check(path, kinds=kinds)]
    types = [each for each in found if each.kind is check.ProblemKind.TYPE]
    assert found == types
    return types


def _exported(recording, span=(None, None)):
    folder = DataFolder(recording.folder)
    (found,) = table.load(folder, folder.summaries(), [f"observatory.{FIELD}"], *span)
    (column,) = found.columns.values()
    return column.values.tolist()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(_VALUES, st.sampled_from("bc"), _BETWEEN), min_size=1, max_size=7))
def test_numbers_are_read_as_they_were_published_or_the_change_of_type_is_told(steps):
    with tempfile.TemporaryDirectory() as folder:
        story = _tell(folder, steps)
        recording = story.recording
        values = [value for _, value in story.published]
        assert bool(_checked(recording)) == bool(story.told)
        assert _exported(recording) == values
        if not story.told:
            for at, _ in story.published:
                times, read = recording.read(FIELD, start=at - 0.01)
                expected = [value for when, value in story.published if when >= at]
                assert read.tolist() == expected
                assert len(times) == len(expected)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(st.one_of(_VALUES, _TEXTS), st.sampled_from("bc"), _BETWEEN),
        min_size=2,
        max_size=6,
    )
)
def test_texts_among_numbers_are_all_in_the_files_and_the_change_is_told(steps):
    with tempfile.TemporaryDirectory() as folder:
        story = _tell(folder, steps)
        recording = story.recording
        values = [value for _, value in story.published]
        assert _exported(recording) == values
        assert bool(_checked(recording)) == bool(story.told)
        if not story.told:
            assert recording.read(FIELD)[1].tolist() == values


@pytest.mark.parametrize("between", ["frame", "file", "close", "kill", "agent"])
def test_a_field_that_was_once_a_float_stays_one_over(tmp_path, between):
    steps = [(12.5, "b", "frame"), (-99, "b", between), (7, "b", "frame"), (12.75, "b", "")]
    story = _tell(tmp_path / "data", steps)
    for at, value in story.published:
        assert story.recording.read(FIELD, start=at - 0.01)[1][0] == value
    assert story.recording.read(FIELD)[1].tolist() == [12.5, -99.0, 7.0, 12.75]
    assert not story.told


def test_the_change_of_a_field_that_was_written_as_an_int_is_told_everywhere(tmp_path):
    story = _tell(tmp_path / "data", [(-99, "b", "frame"), (12.5, "b", "frame"), (3, "b", "")])
    field = f"observatory.{FIELD}"
    assert story.told == {field: 1}
    assert story.recording.recorder.encoded()["retyped_because"][field].startswith("was int")
    (problem,) = _checked(story.recording)
    assert problem.text.startswith(f"{field} was int and is float now")
    second, third = [at for at, _ in story.published][1:]
    assert story.recording.read(FIELD, start=second - 1)[1].tolist() == [12.5, 3.0]
    assert story.recording.read(FIELD, start=third - 1)[1].tolist() == [3.0]
    assert _exported(story.recording) == [-99.0, 12.5, 3.0]


def test_floats_that_wait_decide_the_type_of_another_provider_and_of_an_older_life(recording):
    recording.send([START], a=[1])
    recording.send([START + 1], block="c", a=[0.5], n=[1])
    recording.send([START + 2], info={"session_id": "1795328001.5"}, a=[2])
    recording.recorder.close()
    assert recording.read("thermo1.feeds.temps.a")[1].tolist() == [1.0, 0.5, 2.0]
    assert not recording.recorder.encoded()["retyped"]
