"""All alarms of a host, through nights that a test makes up."""

import json
from itertools import pairwise
from math import inf, nan

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.alarms.alarm import AlarmRequestError
from ocsd.alarms.board import AlarmBoard, AlarmEntry
from ocsd.alarms.conditions import DiskFacts, HostFacts
from ocsd.alarms.incident import Severity
from ocsd.alarms.parsing import parse

WARM = AlarmEntry("warm", parse("thermo1.temps.stage > 5 until < 4 for 30s"), remind_s=600.0)
SILENT = AlarmEntry("silent", parse("thermo1.temps silent for 60s"))
STOPPED = AlarmEntry("stopped", parse("acq of thermo1 stopped"), Severity.CRITICAL)
FAST = AlarmEntry("fast", parse("rate of thermo1.temps.stage > 1 per min"))
FULL = AlarmEntry("full", parse("disk data free < 5%"))
ALL = (WARM, SILENT, STOPPED, FAST, FULL)
FIELD = "thermo1.temps.stage"


def board(*entries, kept=None):
    return AlarmBoard(entries or ALL, 1000.0, kept or {})


def told(events):
    """Return the events that people are told: name, kind, incident."""
    return [(each.name, str(each.notice.kind), each.incident) for each in events if each.tells]


def test_a_field_is_judged_sample_by_sample():
    night = board(WARM, FAST)
    assert night.fields == {FIELD}
    assert night.sampled(FIELD, [1000.0, 1010.0], [6.0, 7.0]) == []
    [raised] = night.sampled(FIELD, [1020.0, 1030.0, 1040.0], [5.5, 5.1, 4.6])
    assert (raised.name, raised.notice.at, raised.value) == ("warm", 1030.0, 5.1)
    assert (raised.incident, raised.tells) == (1, True)
    assert night.alarms["warm"].is_raised


def test_the_second_limit_counts_only_when_it_is_raised():
    night = board(WARM)
    night.sampled(FIELD, [1000.0, 1030.0], [6.0, 6.0])
    assert night.sampled(FIELD, [1040.0], [4.5]) == []
    assert told(night.sampled(FIELD, [1050.0], [3.9])) == [("warm", "cleared", 1)]


def test_a_feed_is_silent_from_its_last_message_or_from_the_beginning():
    night = board(SILENT)
    assert night.ticked(1059.0) == []
    assert told(night.ticked(1060.0)) == [("silent", "raised", 1)]
    night.heard("thermo1.temps", 1061.0)
    assert told(night.ticked(1062.0)) == [("silent", "cleared", 1)]
    night.heard("thermo1.temps", 1050.0)
    assert night.ticked(1120.0) == []
    assert told(night.ticked(1121.0)) == [("silent", "raised", 2)]


def test_an_instance_is_silent_if_all_its_feeds_are():
    night = board(AlarmEntry("mute", parse("thermo1 silent for 60s")))
    night.heard("thermo1.other", 1050.0)
    assert night.ticked(1100.0) == []
    assert told(night.ticked(1110.0)) == [("mute", "raised", 1)]


def test_states_are_looked_at():
    night = board(STOPPED, FULL)
    facts = HostFacts(
        operations={("acq", "thermo1"): "stopped"}, disks={"data": DiskFacts(3.0, None)}
    )
    assert told(night.looked(facts, 1000.0)) == [("stopped", "raised", 1)]
    running = HostFacts(operations={("acq", "thermo1"): "running"})
    assert told(night.looked(running, 1010.0)) == []
    assert told(night.looked(HostFacts(disks={"data": DiskFacts(9.0)}), 1020.0)) == [
        ("full", "cleared", 1)
    ]


def test_one_cause_is_told_once_and_again_if_it_is_worse():
    night = board(WARM, SILENT, STOPPED)
    night.sampled(FIELD, [1000.0], [6.0])
    assert told(night.sampled(FIELD, [1030.0], [6.0])) == [("warm", "raised", 1)]
    assert told(night.ticked(1200.0)) == []
    facts = HostFacts(operations={("acq", "thermo1"): "stopped"})
    assert told(night.looked(facts, 1300.0)) == [("stopped", "raised", 1)]


def test_of_an_incident_one_reminder_is_enough():
    entries = (WARM, SILENT._replace(remind_s=600.0))
    night = board(*entries)
    night.sampled(FIELD, [1000.0, 1030.0], [6.0, 6.0])
    night.ticked(1100.0)
    assert told(night.ticked(1700.0)) == [("warm", "reminded", 1)]
    night.acknowledge("warm", "vera", 1710.0)
    assert told(night.ticked(2299.0)) == []
    assert told(night.ticked(2300.0)) == [("silent", "reminded", 1)]


def test_what_never_reminds_or_is_silenced_keeps_no_reminder_back():
    never = WARM._replace(remind_s=0.0)
    night = board(never, SILENT._replace(remind_s=600.0))
    night.sampled(FIELD, [1000.0, 1030.0], [6.0, 6.0])
    night.ticked(1060.0)
    assert told(night.ticked(1660.0)) == [("silent", "reminded", 1)]
    night = board(WARM, SILENT._replace(remind_s=600.0))
    night.sampled(FIELD, [1000.0, 1030.0], [6.0, 6.0])
    night.ticked(1060.0)
    night.silence("warm", "vera", 9000.0, 1100.0)
    assert told(night.ticked(1660.0)) == [("silent", "reminded", 1)]


def test_what_comes_after_all_was_acknowledged_is_news():
    night = board(WARM, SILENT)
    night.sampled(FIELD, [1000.0, 1030.0], [6.0, 6.0])
    night.acknowledge("warm", "vera", 1040.0)
    assert told(night.ticked(1060.0)) == [("silent", "raised", 1)]


def test_a_sample_with_a_time_in_the_future_does_not_end_the_judging():
    night = board(WARM, FAST)
    night.heard("thermo1.temps", 1000.0)
    night.sampled(FIELD, [4e9], [6.0])
    assert night.alarms["warm"].seen_at == 1000.0
    night.heard("thermo1.temps", 1030.0)
    assert told(night.sampled(FIELD, [1030.0], [6.0])) == [("warm", "raised", 1)]


def test_a_clock_that_is_set_back_does_not_end_the_judging():
    night = board(WARM, SILENT)
    night.heard("thermo1.temps", 9030.0)
    night.sampled(FIELD, [9000.0, 9030.0], [6.0, 6.0])
    night.ticked(9030.0)
    night.ticked(1000.0)
    assert told(night.sampled(FIELD, [1001.0], [3.0])) == [("warm", "cleared", 1)]
    assert night.ticked(1059.0) == []
    assert told(night.ticked(1060.0)) == [("silent", "raised", 2)]


def test_a_clock_that_is_set_forward_makes_no_feed_silent():
    night = board(SILENT)
    night.heard("thermo1.temps", 1000.0)
    night.ticked(1000.0)
    assert night.ticked(8200.0) == []
    night.ticked(8230.0)
    assert told(night.ticked(8260.0)) == [("silent", "raised", 1)]


def test_a_rate_of_an_infinite_value_says_nothing():
    falling = AlarmEntry("falling", parse("rate of thermo1.temps.stage < -1 per min over 10s"))
    night = board(falling)
    assert night.sampled(FIELD, [1000.0, 1010.0, 1020.0], [inf, 5.0, 5.0]) == []


def test_a_reading_that_is_no_number_says_nothing_and_a_wrong_field_is_told():
    night = board(WARM, AlarmEntry("typo", parse("thermo1.temps.sage > 5")))
    night.sampled(FIELD, [1000.0], [nan])
    assert night.unseen() == ["warm", "typo"]
    night.sampled(FIELD, [1001.0], [4.0])
    night.sampled("thermo1.temps.other", [1001.0], [9.0])
    assert night.unseen() == ["typo"]


def test_a_rate_raises():
    night = board(FAST)
    times = [1000.0 + 10 * i for i in range(12)]
    assert told(night.sampled(FIELD, times, [at / 50 for at in times])) == [("fast", "raised", 1)]


def test_requests_name_the_alarm_and_the_reason_of_a_refusal():
    night = board()
    with pytest.raises(AlarmRequestError, match="no alarm 'wram'; did you mean 'warm'"):
        night.acknowledge("wram", "vera", 1000.0)
    with pytest.raises(AlarmRequestError, match="alarm 'warm': it is unseen; only a raised"):
        night.acknowledge("warm", "vera", 1000.0)
    [event] = night.silence("warm", "vera", 2000.0, 1000.0)
    assert (event.notice.by, event.tells) == ("vera", False)
    night.unsilence("warm", "vera", 1001.0)
    with pytest.raises(AlarmRequestError, match="alarm 'warm': it is not silenced"):
        night.unsilence("warm", "vera", 1002.0)


def test_an_alarm_that_is_raised_in_silence_joins_an_incident_when_it_is_told():
    night = board(WARM)
    night.silence("warm", "vera", 2000.0, 1000.0)
    [raised] = night.sampled(FIELD, [1000.0, 1030.0], [6.0, 6.0])
    assert (raised.incident, raised.tells) == (None, False)
    assert told(night.ticked(2000.0)) == [("warm", "raised", 1)]


def test_a_request_about_a_raised_alarm_names_its_incident():
    night = board(WARM)
    night.sampled(FIELD, [1000.0, 1030.0], [6.0, 6.0])
    [event] = night.acknowledge("warm", "vera", 1040.0)
    assert (event.incident, event.tells) == (1, False)


def again(night, entries=ALL):
    return board(*entries, kept=json.loads(json.dumps(night.to_json())))


def test_after_a_restart_nothing_is_told_twice():
    night = board()
    night.sampled(FIELD, [1000.0, 1030.0], [6.0, 6.0])
    after = again(night)
    assert after.alarms == night.alarms
    assert after.incidents == night.incidents
    assert after.sampled(FIELD, [1030.0, 1031.0], [6.0, 6.0]) == []
    assert told(after.sampled(FIELD, [1040.0], [3.0])) == [("warm", "cleared", 1)]


def test_if_only_the_alarms_were_kept_the_end_is_told_all_the_same():
    night = board(WARM)
    night.sampled(FIELD, [1000.0, 1030.0], [6.0, 6.0])
    after = board(WARM, kept={"alarms": night.to_json()["alarms"]})
    assert [each.incident for each in after.acknowledge("warm", "vera", 1035.0)] == [None]
    assert told(after.sampled(FIELD, [1040.0], [3.0])) == [("warm", "cleared", None)]


def test_an_alarm_that_the_site_file_has_no_more_is_forgotten():
    night = board()
    night.sampled(FIELD, [1000.0, 1030.0], [6.0, 6.0])
    after = again(night, [SILENT])
    assert after.alarms.keys() == {"silent"}
    assert after.incidents.open == ()
    assert after.incidents.last_number == 1


readings = st.lists(
    st.tuples(st.sampled_from([-5.0, 0.0, 1.0, 20.0, 40.0]), st.sampled_from([3.0, 4.5, 6.0, nan])),
    max_size=40,
)


@settings(max_examples=200)
@given(readings, st.sets(st.integers(0, 40)))
def test_samples_in_blocks_are_judged_as_one_by_one(steps, cuts):
    at, samples = 1000.0, []
    for later_s, value in steps:
        at += later_s
        samples.append((at, value))
    one, blocks = board(WARM, FAST), board(WARM, FAST)
    expected = [event for at, value in samples for event in one.sampled(FIELD, [at], [value])]
    edges = [0, *sorted(cut for cut in cuts if cut < len(samples)), len(samples)]
    found = []
    for begin, end in pairwise(edges):
        block = samples[begin:end]
        found += blocks.sampled(FIELD, [at for at, _ in block], [value for _, value in block])
    for name in ("warm", "fast"):
        assert [each.notice for each in found if each.name == name] == [
            each.notice for each in expected if each.name == name
        ]
    assert blocks.alarms == one.alarms


happenings = st.lists(
    st.tuples(
        st.sampled_from(["sample", "hear", "look", "tick", "ack", "silence"]),
        st.sampled_from([0.0, 1.0, 20.0, 70.0]),
        st.sampled_from([3.0, 4.5, 6.0, nan]),
    ),
    max_size=30,
)


def take(night, kind, at, value):
    match kind:
        case "sample":
            return night.sampled(FIELD, [at], [value])
        case "hear":
            night.heard("thermo1.temps", at)
        case "look":
            word = "running" if value < 4 else "stopped"
            return night.looked(HostFacts(operations={("acq", "thermo1"): word}), at)
        case "tick":
            return night.ticked(at)
        case "ack":
            return night.acknowledge("warm", "vera", at)
        case "silence":
            return night.silence("silent", "vera", at + 30.0, at)
    return []


@settings(max_examples=100)
@given(happenings)
def test_every_incident_is_told_and_its_end_and_a_restart_changes_nothing(happened):
    entries = (WARM, SILENT, STOPPED)
    night, at, events = board(*entries), 1000.0, []
    for kind, later_s, value in happened:
        at += later_s
        other = again(night, entries)
        other._now_at, other._ticked_at = night._now_at, night._ticked_at
        other.begun_at = night.begun_at
        try:
            new = take(night, kind, at, value)
        except AlarmRequestError:
            continue
        assert take(other, kind, at, value) == new
        events += new
    beginnings = [each.incident for each in events if each.tells and _is(each, "raised")]
    ends = [each.incident for each in events if each.tells and _is(each, "cleared")]
    assert len(ends) == len(set(ends))
    assert set(beginnings) == set(ends) | {each.number for each in night.incidents.open}


def _is(event, kind):
    return event.notice.kind == kind


def test_only_a_message_ends_a_silence_that_was_raised():
    night = board(SILENT)
    night.heard("thermo1.temps", 1010.0)
    assert told(night.ticked(1070.0)) == [("silent", "raised", 1)]
    later = AlarmBoard((SILENT,), 9000.0, json.loads(json.dumps(night.to_json())))
    assert later.ticked(9001.0) == []
    later.heard("thermo1.temps", 9002.0)
    assert told(later.ticked(9003.0)) == [("silent", "cleared", 1)]


def test_what_was_heard_is_kept_and_only_of_what_somebody_asks():
    night = board(SILENT)
    night.heard("thermo1.temps", 1050.0)
    night.heard("other.temps", 1050.0)
    assert night.to_json()["heard"] == {"thermo1.temps": 1050.0}
    later = again(night, (SILENT,))
    assert later.ticked(1109.0) == []
    assert told(later.ticked(1110.0)) == [("silent", "raised", 1)]


def test_an_alarm_with_another_condition_begins_anew_unless_it_is_raised():
    night = board(WARM, FULL)
    night.sampled(FIELD, [1000.0], [6.0])
    night.silence("warm", "vera", 2000.0, 1001.0)
    changed = AlarmEntry("warm", parse("thermo1.temps.stage > 9"))
    later = again(night, (changed, FULL))
    assert later.alarms["warm"].phase == "clear"
    assert later.alarms["warm"].silenced_by == "vera"
    night.sampled(FIELD, [1030.0], [6.0])
    raised = again(night, (changed, FULL))
    assert raised.alarms["warm"].is_raised
    assert raised.unseen() == ["warm", "full"]


def test_a_clock_that_is_set_back_stops_no_alarm():
    night = board(SILENT, STOPPED)
    night.heard("thermo1.temps", 5000.0)
    night.looked(HostFacts(), 5000.0)
    night.ticked(5000.0)
    night.clock_was_set(1400.0)
    facts = HostFacts(operations={("acq", "thermo1"): "stopped"})
    assert told(night.looked(facts, 1401.0)) == [("stopped", "raised", 1)]
    night.heard("thermo1.temps", 1402.0)
    assert night.ticked(1461.0) == []
    night.ticked(1462.0)
    assert night.alarms["silent"].is_raised


def test_a_sender_whose_clock_is_set_back_is_judged_again_soon():
    hot = AlarmEntry("hot", parse("thermo1.temps.stage > 5"))
    night = board(hot, FAST)
    night.ticked(10_000.0)
    night.sampled(FIELD, [10_000.0], [4.0])
    told_at = []
    for later_s in range(1, 60):
        night.ticked(10_000.0 + later_s)
        events = night.sampled(FIELD, [6400.0 + later_s], [9.0])
        told_at += [later_s for _ in events]
    assert told_at == [31]
    assert night.alarms["hot"].seen_at == 6459.0


def test_what_a_sender_fills_in_between_new_samples_changes_nothing():
    night = board(AlarmEntry("hot", parse("thermo1.temps.stage > 5")))
    for later_s in range(100):
        night.ticked(10_000.0 + later_s)
        assert night.sampled(FIELD, [10_000.0 + later_s], [4.0]) == []
        assert night.sampled(FIELD, [6400.0 + later_s], [9.0]) == []
