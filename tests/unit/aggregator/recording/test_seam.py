"""Where one recorder ends and another begins, no message is lost and none is there twice."""

import os
import time

import pytest

from ocsd.aggregator.numbers.share import RecorderSpan, Share
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.aggregator.recording import seam
from ocsd.aggregator.recording.arrivals import HeldRange, SpoolIndex, SpoolPage
from ocsd.system.paths import RECORDED_BY_VARIABLE
from tests.unit.aggregator.rig import START, Recording

AGENT = "observatory.thermo1"
SESSION = str(START + 10)  # it began after the folder: all of it has to be there
KEY = SourceKey(f"{AGENT}.feeds.temps", SESSION)
SPANS = [(0, None), (5, "lab"), (12, None), (15, "lab")]
END = 20


def pair(number):
    host = [host for first, host in SPANS if first <= number][-1]
    block = {"block_name": "b", "timestamps": [START + 20 + number], "data": {"v": [number]}}
    info = {"agent_address": AGENT, "address": KEY.address, "session_id": SESSION, "record": True}
    info |= {"agg_params": {}, "seq": number} | ({"recorded_by": host} if host else {})
    return {"b": block}, info


def page(numbers):
    return SpoolPage(AGENT, KEY, tuple(map(pair, numbers)), (), max(numbers) + 1)


@pytest.fixture(params=[Share("hub"), Share("lab", of_site=False)], ids=["site", "lab"])
def share(request):
    return request.param


@pytest.fixture
def rig(tmp_path, share):
    rig = Recording(tmp_path)
    rig.start()
    rig.recorder.share = share
    rig.clock.advance(60)
    return rig


def ours(share):
    return [number for number in range(END) if share.has(pair(number)[1])]


def test_of_a_spool_each_recorder_takes_its_own_and_misses_nothing(rig, share):
    rig.recorder.record(page(range(END)))
    assert rig.recorder.pending()[KEY].missing == ()
    rig.recorder.close()
    assert rig.raw("thermo1.feeds.temps", "v") == ours(share)
    assert rig.holes() == []


def test_the_index_says_which_numbers_to_wait_for(rig, share):
    spans = tuple(RecorderSpan(*each) for each in SPANS)
    rig.recorder.record(SpoolIndex(AGENT, {KEY: HeldRange(0, END, spans)}))
    missing = [n for first, end in rig.recorder.pending()[KEY].missing for n in range(first, end)]
    assert missing == ours(share)
    rig.recorder.record(page(missing))
    assert rig.recorder.pending()[KEY].missing == ()
    rig.recorder.close()
    assert rig.raw("thermo1.feeds.temps", "v") == ours(share)


def test_numbers_of_another_recorder_are_not_recorded_after_a_restart_either(rig, share, tmp_path):
    rig.recorder.record(page(range(END)))
    rig.recorder.close()
    again = Recording(tmp_path, clock=rig.clock)
    again.start()
    again.recorder.share = share
    again.recorder.record(page(range(END)))
    again.recorder.close()
    assert again.raw("thermo1.feeds.temps", "v") == ours(share)
    assert again.holes() == []


@pytest.fixture
def told(tmp_path, monkeypatch):
    path = tmp_path / "recorded-by"
    path.write_text("")
    monkeypatch.setenv(RECORDED_BY_VARIABLE, str(path))
    return path


@pytest.fixture
def waited(monkeypatch):
    waits = []
    monkeypatch.setattr(seam.time, "sleep", waits.append)
    return waits


def test_a_recorder_whose_agents_were_told_another_one_waits_for_their_last_messages(told, waited):
    seam.await_seam(Share("lab", of_site=False))
    assert waited == [seam.SEAM_S]


def test_a_recorder_that_only_restarts_does_not_wait(told, waited):
    told.write_text("lab")
    seam.await_seam(Share("lab", of_site=False))
    told.write_text("")
    os.utime(told, (time.time() - 60, time.time() - 60))
    seam.await_seam(Share("hub"))
    told.unlink()
    seam.await_seam(Share("hub"))
    assert waited == []
