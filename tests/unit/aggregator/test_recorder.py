import errno
import math
import os

import numpy as np
import pytest
from so3g.hk import load_range

import ocsd.aggregator.filing
import ocsd.aggregator.pause
from ocsd.errors import DataFolderError
from tests.unit.aggregator.recording import START, Recording, frames_of


def types_of(path):
    return [frame["hkagg_type"] for frame in frames_of(path)]


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
    data = [f for f in frames_of(recording.files()[0]) if f["hkagg_type"] == 2]
    assert [len(f["blocks"][0].times) for f in data] == [10, 10, 5]


def test_files_rotate_and_each_can_be_read_alone(tmp_path):
    recording = Recording(tmp_path, time_per_file_s=60)
    recording.recorder.start()
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
    data = [f for f in frames_of(recording.files()[0]) if f["hkagg_type"] == 2]
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
    data = [f for f in frames_of(recording.files()[0]) if f["hkagg_type"] == 2]
    assert {f["prov_id"] for f in data} == {0, 1}
    assert len(data) <= 4
    assert sorted(recording.read("thermo1.feeds.temps.a")[1]) == list(range(300))


def test_a_field_that_turns_from_number_to_text_keeps_both(recording):
    recording.send([START], a=[1.0])
    recording.send([START + 1], a=["broken"])
    recording.recorder.close()
    data = [f for f in frames_of(recording.files()[0]) if f["hkagg_type"] == 2]
    assert [list(f["blocks"][0]["a"]) for f in data] == [[1.0], ["broken"]]


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


def test_feeds_that_ask_not_to_be_recorded_are_not(recording):
    recording.send([START], info={"record": False}, a=[1.0])
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


def test_memory_is_bounded_by_writing_frames_early(recording, monkeypatch):
    monkeypatch.setattr(ocsd.aggregator.filing, "LARGEST_FRAME_BYTES", 10_000)
    for i in range(100):
        recording.send([START + i + j / 100 for j in range(100)], a=[0.5] * 100)
        assert recording.recorder.encoded()["buffered_bytes"] < 12_000
    monkeypatch.setattr(ocsd.aggregator.filing, "MOST_BUFFERED_BYTES", 5_000)
    for i in range(20):
        recording.send([START + i], feed=f"a{i}.feeds.x", a=[0.5] * 1)
        assert recording.recorder.encoded()["buffered_bytes"] < 5_100
    recording.recorder.close()
    assert len(recording.read("thermo1.feeds.temps.a")[1]) == 10_000


def test_a_folder_that_cannot_be_made_is_an_error_with_folder_and_cause(tmp_path):
    (tmp_path / "file").write_text("")
    recording = Recording(tmp_path / "file" / "data")
    with pytest.raises(DataFolderError, match=r"file/data: Not a directory; .*--data-dir"):
        recording.recorder.start()


class FullDisk:
    """os.write as a full disk does it: half of the record fits."""

    def __init__(self, monkeypatch):
        self.full = False
        self._write = os.write
        monkeypatch.setattr("ocsd.aggregator.append_file.os.write", self)

    def __call__(self, descriptor, data):
        if not self.full:
            return self._write(descriptor, data)
        if len(data) > 10:
            return self._write(descriptor, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def fill_gaps(recording, messages):
    """Give the recorder what it lacks, as an agent's spool does."""
    for pending in recording.recorder.pending().values():
        for first, end in pending.missing:
            for number in range(first, end):
                recording.send(**messages[number])


def test_a_full_disk_pauses_the_recording_and_the_spool_fills_the_hole(recording, monkeypatch):
    disk = FullDisk(monkeypatch)
    messages = {}
    for i in range(60):
        disk.full = 10 < i < 40
        messages[i] = {"timestamps": [recording.clock.at], "seq": i, "a": [i]}
        messages[i]["info"] = {"agg_params": {"frame_length": 5}}
        recording.send(**messages[i])
        recording.run(1)
        if i == 30:
            trouble = recording.recorder.encoded()["trouble"]
            assert trouble == (
                f"recording pauses: cannot write the data folder {recording.folder}: No space left "
                "on device; make room in it, or change --data-dir; then it goes on by itself, and "
                "fetches from the agents what it has left out"
            )
    data = recording.recorder.encoded()
    assert data["trouble"] is None
    assert data["left_out"] == {"observatory.thermo1": 30}
    assert data["missing"] == {"observatory.thermo1.feeds.temps": 30}
    (outage,) = recording.recorder._ledger.outages
    assert outage.cause.startswith("recording paused: cannot write the data folder")
    assert outage.ended_at - outage.began_at == 30
    fill_gaps(recording, messages)
    recording.recorder.close()
    assert sorted(recording.read("thermo1.feeds.temps.a")[1]) == list(range(60))
    assert recording.recorder.encoded()["missing"] == {}


def test_a_full_disk_is_a_line_at_its_begin_and_one_at_its_end(recording, monkeypatch):
    disk = FullDisk(monkeypatch)
    for i in range(400):
        disk.full = 100 <= i % 200 < 150
        for agent in ("a", "b"):
            recording.send([recording.clock.at], seq=i, feed=f"{agent}.feeds.x", n=[i])
        recording.send([recording.clock.at], feed="old.feeds.x", n=[i])
        recording.run(1)
    _opened, *lines = [line for line in recording.log.lines if "are lost" not in line]
    again = (
        "recording again after 51 s; 102 messages were left to the agents and are fetched now; "
        "51 messages without numbers are gone"
    )
    assert len(lines) == 4
    assert all(line.startswith("recording pauses: cannot write") for line in lines[::2])
    assert lines[1::2] == [again, again]


def test_a_hole_is_recorded_after_the_pause_and_is_no_message_that_was_dropped(
    recording, monkeypatch
):
    disk = FullDisk(monkeypatch)
    for number in (0, 2):
        recording.send([START + number], seq=number, a=[1])
    disk.full = True
    recording.run(1)
    key, pending = next(iter(recording.recorder.pending().items()))
    recording.recorder.lost(key, 1, 1, "nobody has it")
    assert recording.recorder.encoded()["dropped"] == {}
    assert recording.recorder.pending()[key] == pending
    disk.full = False
    recording.run(1)
    recording.recorder.lost(key, 1, 1, "nobody has it")
    recording.recorder.close()
    assert [hole["first"] for hole in recording.holes()] == [1]


def test_rotation_on_a_full_disk_loses_nothing(tmp_path, monkeypatch):
    recording = Recording(tmp_path, time_per_file_s=60)
    recording.recorder.start()
    disk = FullDisk(monkeypatch)
    messages = {}
    for i in range(200):
        disk.full = 50 < i < 130
        messages[i] = {"timestamps": [recording.clock.at], "seq": i, "a": [i]}
        recording.send(**messages[i])
        recording.run(1)
    fill_gaps(recording, messages)
    recording.recorder.close()
    assert sorted(recording.read("thermo1.feeds.temps.a")[1]) == list(range(200))


def test_what_has_no_number_is_dropped_by_a_full_disk_counted_and_estimated(recording, monkeypatch):
    disk = FullDisk(monkeypatch)
    for i in range(30):
        disk.full = 10 <= i < 20
        recording.send([recording.clock.at], a=[i])
        recording.run(1)
    assert recording.recorder.encoded()["dropped"] == {"observatory.thermo1": 11}
    recording.recorder.close()
    assert len(recording.read("thermo1.feeds.temps.a")[1]) == 19
    (hole,) = recording.holes()
    assert hole["estimated"]
    assert hole["count"] == 0
    assert (hole["from_time"], hole["until_time"]) == (START + 9, START + 21)
    assert "No space left" in hole["cause"]


class ForbiddenFile:
    """os.open that makes no G3 file, while the journal can be written."""

    def __init__(self, monkeypatch):
        self.forbidden = False
        self._open = os.open
        monkeypatch.setattr("ocsd.aggregator.append_file.os.open", self)

    def __call__(self, path, *more, **named):
        if self.forbidden and str(path).endswith(".g3"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return self._open(path, *more, **named)


def test_while_only_the_files_are_refused_the_journal_takes_what_memory_can_hold(
    tmp_path, monkeypatch
):
    recording = Recording(tmp_path, time_per_file_s=10)
    recording.recorder.start()
    monkeypatch.setattr(ocsd.aggregator.pause, "MOST_WAITING_BYTES", 20 * 136)
    disk = ForbiddenFile(monkeypatch)
    messages = {}
    for i in range(60):
        disk.forbidden = 5 < i < 50
        messages[i] = {"timestamps": [recording.clock.at], "seq": i, "a": [i]}
        recording.send(**messages[i])
        recording.run(1)
        if i == 12:
            assert recording.recorder.trouble.startswith(
                "recording goes on in the journal, the files wait: cannot write the data folder"
            )
            assert recording.recorder.held_up
    assert recording.recorder.trouble is None
    left_out = recording.recorder.encoded()["left_out"]["observatory.thermo1"]
    assert 15 < left_out < 40
    fill_gaps(recording, messages)
    recording.recorder.close()
    assert sorted(recording.read("thermo1.feeds.temps.a")[1]) == list(range(60))


def test_what_no_file_takes_at_the_end_is_in_the_journal_for_the_next_start(tmp_path, monkeypatch):
    recording = Recording(tmp_path, time_per_file_s=10)
    recording.recorder.start()
    disk = ForbiddenFile(monkeypatch)
    disk.forbidden = True
    recording.run(11)
    recording.send([START], seq=0, a=[7])
    with pytest.raises(DataFolderError, match="136 bytes of samples wait in the journal"):
        recording.recorder.close()
    disk.forbidden = False
    again = Recording(tmp_path, clock=recording.clock)
    again.recorder.start()
    again.send([START], seq=0, a=[7])
    again.recorder.close()
    assert list(again.read("thermo1.feeds.temps.a")[1]) == [7]
