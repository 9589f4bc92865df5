"""What agents publish is in the files, as OCS's readers expect it."""

import math

import numpy as np
import pytest
from so3g.hk import load_range

import ocsd.aggregator.recording.frame_writing
from ocsd.errors import DataFolderError
from tests.unit.aggregator.rig import START, Recording, data_frames_of, frames_of, types_of


def test_what_was_published_is_read_back(recording):
    times = [START + i / 4 for i in range(400)]
    for i in range(0, 400, 4):
        rows = slice(i, i + 4)
        recording.send(
            times[rows],
            seq=i // 4,
            f=[0.1 * t for t in times[rows]],
            n=list(range(i, i + 4)),
            s=[f"label {j}" for j in range(i, i + 4)],
            b=[j % 3 == 0 for j in range(i, i + 4)],
        )
        recording.run(1)
    recording.recorder.close()
    read, values = recording.read("thermo1.feeds.temps.f")
    np.testing.assert_allclose(read, times, rtol=0, atol=1e-6)
    assert (np.diff(read) > 0).all()
    assert list(values) == [0.1 * t for t in times]
    assert list(recording.read("thermo1.feeds.temps.n")[1]) == list(range(400))
    assert list(recording.read("thermo1.feeds.temps.s")[1]) == [f"label {j}" for j in range(400)]
    assert list(recording.read("thermo1.feeds.temps.b")[1]) == [j % 3 == 0 for j in range(400)]


def test_load_range_of_so3g_finds_the_data(recording):
    times = [START + i for i in range(10)]
    recording.send(times, a=[float(i) for i in range(10)])
    recording.recorder.close()
    data = load_range(
        START - 1,
        START + 11,
        fields=["observatory.thermo1.feeds.temps.a"],
        data_dir=str(recording.folder),
    )
    read, values = data["observatory.thermo1.feeds.temps.a"]
    np.testing.assert_allclose(read, times, rtol=0, atol=1e-6)
    assert list(values) == list(range(10))


def test_a_file_has_the_name_and_the_frames_of_ocs(recording):
    recording.send([START], a=[1.0])
    recording.recorder.close()
    (path,) = recording.files()
    assert path.relative_to(recording.folder).as_posix() == "17953/1795328225.g3"
    session, status, added, data = frames_of(path)
    assert [f["hkagg_type"] for f in (session, status, added, data)] == [0, 1, 1, 2]
    assert {f["hkagg_version"] for f in (session, status, added, data)} == {2}
    assert set(session.keys()) == {
        "hkagg_type", "hkagg_version", "session_id", "start_time", "description"
    }  # fmt: skip
    assert session["description"] == "HK data"
    assert session["start_time"] == START
    (provider,) = added["providers"]
    assert provider["description"].value == "observatory.thermo1.feeds.temps"
    assert provider["prov_id"].value == data["prov_id"] == 0
    assert set(data.keys()) == {
        "hkagg_type", "hkagg_version", "session_id", "prov_id", "timestamp", "address",
        "provider_session_id", "blocks", "block_names",
    }  # fmt: skip
    assert data["address"] == "observatory.thermo1.feeds.temps"
    assert data["provider_session_id"] == "1795328000.5"
    assert list(data["block_names"]) == ["b"]


def test_a_frame_is_written_when_its_oldest_sample_has_waited_frame_length(recording):
    info = {"agg_params": {"frame_length": 10}}
    for i in range(25):
        # Timestamps of an hour ago do not hurry it.
        recording.send([START - 3600 + i], info=info, a=[i])
        recording.run(1)
    assert types_of(recording.files()[0]) == [0, 1, 1, 2, 2]
    recording.recorder.close()
    data = data_frames_of(recording.files()[0])
    assert [len(f["blocks"][0].times) for f in data] == [10, 10, 5]


def test_files_rotate_and_each_can_be_read_alone(tmp_path):
    recording = Recording(tmp_path, time_per_file_s=60)
    recording.start()
    for i in range(150):
        recording.send([recording.clock.at], a=[i])
        recording.run(1)
    recording.recorder.close()
    files = recording.files()
    assert [int(path.stem) - int(START) for path in files] == [0, 60, 120]
    for path in files:
        assert types_of(path)[:2] == [0, 1]
    assert list(recording.read("thermo1.feeds.temps.a")[1]) == list(range(150))
    sessions = {frame["session_id"] for path in files for frame in frames_of(path)}
    assert len(sessions) == 1


def test_a_silent_site_makes_one_file_not_one_an_hour(recording):
    recording.run(5 * 3600, step_s=10)
    assert len(recording.files()) == 1
    recording.send([recording.clock.at], a=[1])
    recording.recorder.close()
    assert [int(path.stem) - int(START) for path in recording.files()] == [0, 5 * 3600]


def test_a_message_that_comes_twice_is_written_once_and_gaps_are_counted(recording):
    for seq in (0, 1, 2, 1, 2, 5):
        recording.send([START + seq], seq=seq, a=[seq])
    recording.recorder.close()
    assert list(recording.read("thermo1.feeds.temps.a")[1]) == [0, 1, 2, 5]
    data = recording.recorder.encoded()
    assert data["duplicates"] == {"observatory.thermo1.feeds.temps": 2}
    assert data["missing"] == {"observatory.thermo1.feeds.temps": 2}


def test_equal_numbers_of_two_agent_sessions_are_two_messages(recording):
    for session in ("1", "2"):
        recording.send([START + int(session)], seq=0, info={"session_id": session}, a=[1])
    recording.recorder.close()
    assert len(recording.read("thermo1.feeds.temps.a")[1]) == 2


def test_messages_without_numbers_are_all_recorded(recording):
    for i in range(3):
        recording.send([START + i], a=[i])
    recording.recorder.close()
    assert list(recording.read("thermo1.feeds.temps.a")[1]) == [0, 1, 2]


def test_samples_that_come_out_of_order_are_sorted_within_their_frame(recording):
    recording.send([START + 2, START + 3], a=[2, 3], s=["2", "3"])
    recording.send([START, START + 1], a=[0, 1], s=["0", "1"])
    recording.recorder.close()
    times, values = recording.read("thermo1.feeds.temps.a")
    assert list(times - START) == pytest.approx([0, 1, 2, 3], abs=1e-6)
    assert list(values) == [0, 1, 2, 3]
    assert list(recording.read("thermo1.feeds.temps.s")[1]) == ["0", "1", "2", "3"]


def test_nan_and_infinities_are_stored(recording):
    recording.send([START + i for i in range(4)], a=[math.nan, math.inf, -math.inf, None])
    recording.recorder.close()
    values = recording.read("thermo1.feeds.temps.a")[1]
    np.testing.assert_array_equal(values, [math.nan, math.inf, -math.inf, math.nan])


def test_a_bad_message_is_counted_with_its_sender_and_the_others_are_recorded(recording):
    recording.send([math.nan], a=[1.0])
    recording.send([START], a=[{"no": "value"}])
    recording.recorder.accept("nonsense", {"record": True})
    recording.send([START], feed="good.feeds.x", a=[1.0])
    recording.recorder.close()
    data = recording.recorder.encoded()
    assert data["refused"] == {"observatory.thermo1": 2, "unknown": 1}
    assert "'a' holds dict" in data["refused_because"]["observatory.thermo1"]
    assert list(recording.read("good.feeds.x.a")[1]) == [1.0]
    assert any("set aside from observatory.thermo1" in line for line in recording.log.lines)


def test_feeds_that_ask_not_to_be_recorded_here_are_not(recording):
    recording.send([START], info={"agg_params": {"exclude_aggregator": True}}, a=[1.0])
    assert recording.recorder.encoded()["messages"] == 0


def test_session_data_has_the_form_of_ocs(recording):
    recording.send([START], info={"agg_params": {"fresh_time": 60}}, a=[1.0])
    data = recording.recorder.encoded()
    assert data["current_file"] == str(recording.files()[0])
    assert data["providers"] == {
        "observatory.thermo1.feeds.temps": {
            "last_refresh": START,
            "sessid": "1795328000.5",
            "stale": False,
            "last_block_received": "b",
        }
    }
    recording.clock.advance(61)
    (provider,) = recording.recorder.encoded()["providers"].values()
    assert provider["stale"] is True
    recording.recorder.tick()
    assert recording.recorder.encoded()["providers"] == {}
    assert types_of(recording.files()[0]) == [0, 1, 1, 2, 1]
    assert len(frames_of(recording.files()[0])[-1]["providers"]) == 0


def test_under_an_address_is_the_life_of_the_agent_that_was_heard_last(recording):
    recording.send([START], info={"session_id": "new"}, a=[1.0])
    recording.send([START - 60], info={"session_id": "fetched"}, a=[1.0])
    recording.clock.advance(2)
    recording.send([START + 2], info={"session_id": "new"}, a=[1.0])
    (provider,) = recording.recorder.encoded()["providers"].values()
    assert (provider["sessid"], provider["last_refresh"]) == ("new", START + 2)


def test_memory_is_bounded_by_writing_frames_early(recording, monkeypatch):
    monkeypatch.setattr(ocsd.aggregator.recording.frame_writing, "LARGEST_FRAME_BYTES", 10_000)
    for i in range(100):
        recording.send([START + i + j / 100 for j in range(100)], a=[0.5] * 100)
        assert recording.recorder.encoded()["buffered_bytes"] < 12_000
    monkeypatch.setattr(ocsd.aggregator.recording.frame_writing, "MOST_BUFFERED_BYTES", 5_000)
    for i in range(20):
        recording.send([START + i], feed=f"a{i}.feeds.x", a=[0.5] * 1)
        assert recording.recorder.encoded()["buffered_bytes"] < 5_100
    recording.recorder.close()
    assert len(recording.read("thermo1.feeds.temps.a")[1]) == 10_000


def test_a_folder_that_cannot_be_made_is_an_error_with_folder_and_cause(tmp_path):
    (tmp_path / "file").write_text("")
    recording = Recording(tmp_path / "file" / "data")
    with pytest.raises(DataFolderError, match=r"file/data: Not a directory; .*--data-dir"):
        recording.start()


def test_a_recorder_whose_clock_is_wrong_refuses_no_time_that_an_agent_has_checked(recording):
    three_years_s = 3 * 366 * 86400.0
    recording.send([START + three_years_s], seq=0, a=[1.0])
    recording.send([START + three_years_s], feed="old.feeds.temps", a=[2.0])  # not numbered
    recording.recorder.close()
    assert recording.raw("thermo1.feeds.temps", "a") == [1.0]
    assert recording.raw("old.feeds.temps", "a") == []


def test_a_frame_of_one_message_with_whole_numbers_behind_bools_is_written(recording):
    for number in range(3):
        recording.send([recording.clock.at], is_open=[True], count=[number], ratio=[0.5])
        recording.run(400, step_s=100)
    recording.recorder.close()
    assert recording.raw("thermo1.feeds.temps", "count") == [0, 1, 2]
    assert recording.raw("thermo1.feeds.temps", "is_open") == [True] * 3
    assert not [line for line in recording.log.lines if "defect" in line]
