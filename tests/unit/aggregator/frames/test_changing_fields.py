"""A feed whose fields change, in type or in number, loses nothing."""

import numpy as np
import pytest

from tests.unit.aggregator.rig import START, data_frames_of, types_of


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
    recording.run(301)
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
