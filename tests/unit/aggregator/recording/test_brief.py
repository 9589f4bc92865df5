"""The recording in one line, for the supervisor."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from ocsd.aggregator.numbers.hole import Hole
from ocsd.aggregator.recording.brief import brief, disk_room, holes_since

FEED = "observatory.fake-data1.feeds.false_temperatures"


def hole(until_time, count=3, feed=FEED):
    return Hole(feed, "1.0", 0, count - 1, count, 1.0, until_time, "spool", estimated=not count)


def provider(last_refresh, *, stale=False):
    return {"last_refresh": last_refresh, "sessid": "1", "stale": stale}


def told(now_at=100.0, **changed):
    data = {
        "providers": {FEED: provider(98.5), "observatory.aggregator.feeds.holes": provider(99.0)},
        "paused": False,
        "trouble": None,
        "current_file": "/data/1.g3",
        "lost_last_day": {"holes": 0, "feeds": 0, "messages": 0},
        "disk": {"disk_free_bytes": 1, "disk_total_bytes": 2},
        **changed,
    }
    return json.loads(brief(SimpleNamespace(data=data), now_at))


def test_without_a_run_nothing_is_recorded():
    assert json.loads(brief(None, 1.0)) == {"recording": False}
    assert json.loads(brief(SimpleNamespace(data={}), 1.0)) == {"recording": False}
    assert json.loads(brief(None, 1.0, begins=True)) == {"recording": True}


def test_a_recording_that_cannot_open_its_folder_is_not_under_way():
    told = json.loads(brief(None, 1.0, True, "cannot write /data: No space left"))
    assert told == {
        "recording": True,
        "paused": True,
        "trouble": "cannot write /data: No space left",
    }


def test_a_recording_tells_feeds_age_file_and_disk_but_not_its_own_feed():
    assert told() == {
        "recording": True,
        "paused": False,
        "trouble": "",
        "feeds": 1,
        "stale": 0,
        "file": "/data/1.g3",
        "lost_last_day": {"holes": 0, "feeds": 0, "messages": 0},
        "disk_free_bytes": 1,
        "disk_total_bytes": 2,
        "age_s": 1.5,
    }


def test_a_feed_that_is_silent_is_counted_apart_and_its_sample_has_an_age():
    silent = told(providers={FEED: provider(10.0, stale=True)})
    assert (silent["feeds"], silent["stale"], silent["age_s"]) == (0, 1, 90.0)


def test_without_a_sample_there_is_no_age_and_a_clock_set_back_makes_none_negative():
    assert "age_s" not in told(providers={})
    assert told(now_at=50.0)["age_s"] == 0.0


def test_holes_of_the_last_day_are_counted():
    holes = [hole(5.0), hole(50.0), hole(60.0, 0, "other"), hole(70.0)]
    assert holes_since(holes, 20.0) == {"holes": 3, "feeds": 2, "messages": 6}


def test_a_disk_that_cannot_be_asked_has_no_size(tmp_path):
    room = disk_room(tmp_path)
    assert 0 <= room["disk_free_bytes"] <= room["disk_total_bytes"]
    assert disk_room(Path("/no/such/folder")) == {}


def test_the_room_of_a_disk_is_that_of_df(tmp_path):
    room, disk = disk_room(tmp_path), os.statvfs(tmp_path)
    used_bytes = (disk.f_blocks - disk.f_bfree) * disk.f_frsize
    total_bytes = used_bytes + disk.f_bavail * disk.f_frsize
    # Others write to this disk meanwhile.
    assert room["disk_total_bytes"] == pytest.approx(total_bytes, rel=0.01)
