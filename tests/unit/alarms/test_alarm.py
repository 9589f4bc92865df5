"""The life of an alarm, with times made up."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.alarms.alarm import (
    Alarm,
    AlarmNotice,
    AlarmPhase,
    AlarmRequestError,
    Limits,
    NoticeKind,
    acknowledged,
    begun,
    behind,
    from_json,
    observed,
    silenced,
    ticked,
    unsilenced,
)


def test_an_alarm_for_which_nothing_came_is_called_unseen():
    with pytest.raises(AlarmRequestError, match="it is unseen; only a raised alarm"):
        acknowledged(Alarm(), "vera", 1.0)


FOR_30S = Limits(for_s=30.0, remind_s=600.0)
AT_ONCE = Limits()


class Life:
    """An alarm, and all notices about it."""

    def __init__(self, limits=FOR_30S, alarm=None):
        self.limits = limits
        self.alarm = alarm or Alarm()
        self.notices = []

    def take(self, step):
        self.alarm, notices = step
        self.notices += notices
        return [str(notice.kind) for notice in notices if not notice.quiet]

    def see(self, holds, at, value=None):
        return self.take(observed(self.alarm, self.limits, holds, at, value))

    def tick(self, at):
        return self.take(ticked(self.alarm, self.limits, at))

    def acknowledge(self, at, by="vera"):
        return self.take(acknowledged(self.alarm, by, at))

    def silence(self, until_at, at):
        return self.take(silenced(self.alarm, "vera", until_at, at))


def raised():
    life = Life()
    life.see(True, 100.0)
    life.see(True, 130.0)
    assert life.alarm.is_raised
    return life


def test_an_alarm_is_raised_once_and_cleared_once():
    life = Life()
    assert life.see(False, 99.0, 4.0) == []
    assert life.see(True, 100.0, 6.0) == []
    assert life.alarm.phase is AlarmPhase.PENDING
    assert life.see(True, 129.0, 6.0) == []
    assert life.see(True, 130.0, 6.5) == ["raised"]
    assert (life.alarm.since_at, life.alarm.raised_at, life.alarm.value) == (100.0, 130.0, 6.5)
    assert life.see(True, 131.0, 7.0) == []
    assert life.see(False, 132.0, 4.0) == ["cleared"]
    assert life.see(False, 133.0, 4.0) == []
    assert life.alarm == Alarm(seen_at=133.0, value=4.0)


def test_a_condition_that_passes_in_time_raises_nothing():
    life = Life()
    life.see(True, 100.0)
    life.see(False, 110.0)
    assert life.see(True, 131.0) == []
    assert life.alarm.since_at == 131.0
    assert life.notices == []


def test_without_a_time_it_is_raised_at_once():
    assert Life(AT_ONCE).see(True, 100.0) == ["raised"]


def test_what_is_not_known_changes_nothing():
    life = Life()
    life.see(True, 100.0)
    before = life.alarm
    assert life.see(None, 120.0) == []
    assert life.alarm == before
    assert life.see(True, 130.0) == ["raised"]
    assert life.see(None, 140.0) == []
    assert life.alarm.is_raised


def test_a_sample_that_comes_late_changes_nothing():
    life = raised()
    before = life.alarm
    assert life.see(False, 129.0) == []
    assert life.alarm == before


def test_times_that_a_wrong_clock_has_left_hold_nothing_up():
    life = raised()
    life.tick(50.0)  # the clock was 80 s ahead
    assert life.alarm.raised_at == 50.0
    assert life.see(False, 51.0) == ["cleared"]


def test_a_sender_whose_clock_is_late_is_judged_from_its_own_time_on():
    life = Life(AT_ONCE, behind(begun(Alarm(), 100.0), 40.0))
    assert life.see(True, 39.0) == []
    assert life.see(True, 40.0) == ["raised"]
    life = Life(FOR_30S)
    life.see(True, 100.0)
    life.alarm = behind(life.alarm, 40.0)
    assert life.see(True, 70.0) == ["raised"]


def test_a_raised_alarm_is_told_again_until_somebody_knows_of_it():
    life = raised()
    assert life.tick(729.0) == []
    assert life.tick(730.0) == ["reminded"]
    assert life.tick(731.0) == []
    assert life.acknowledge(800.0) == ["acknowledged"]
    assert life.notices[-1] == AlarmNotice(NoticeKind.ACKNOWLEDGED, 800.0, "vera")
    assert life.tick(9999.0) == []
    assert life.see(False, 10_000.0) == ["cleared"]
    assert life.alarm.acknowledged_by == ""


def test_without_a_time_for_it_nobody_is_reminded():
    life = Life(AT_ONCE)
    life.see(True, 100.0)
    assert life.tick(1e9) == []


def test_only_a_raised_alarm_is_acknowledged_and_only_once():
    with pytest.raises(AlarmRequestError, match="it is pending; only a raised alarm"):
        acknowledged(Alarm(phase=AlarmPhase.PENDING), "vera", 1.0)
    life = raised()
    life.acknowledge(140.0)
    with pytest.raises(AlarmRequestError, match="vera has acknowledged it already"):
        life.acknowledge(150.0, by="simon")


def test_an_alarm_that_was_raised_in_silence_is_told_when_that_ends():
    life = Life()
    life.silence(1000.0, 50.0)
    life.see(True, 100.0)
    assert life.see(True, 130.0) == []
    assert [notice.kind for notice in life.notices] == ["silenced", "raised"]
    assert life.tick(999.0) == []
    assert life.tick(1000.0) == ["raised"]
    assert life.tick(1001.0) == []
    assert life.alarm.silenced_by == ""


def test_an_alarm_that_began_and_ended_in_silence_is_never_told():
    life = Life(AT_ONCE)
    life.silence(1000.0, 50.0)
    life.see(True, 100.0)
    life.see(False, 200.0)
    life.tick(1000.0)
    assert [notice.kind for notice in life.notices] == [
        "silenced",
        "raised",
        "cleared",
        "unsilenced",
    ]
    assert all(notice.quiet for notice in life.notices)


def test_who_was_told_of_an_alarm_hears_its_end_in_silence():
    life = raised()
    life.silence(1000.0, 140.0)
    assert life.tick(900.0) == []
    assert life.see(False, 200.0) == ["cleared"]


def test_a_silence_ends_when_somebody_says_so():
    life = Life(AT_ONCE)
    life.silence(1000.0, 50.0)
    life.see(True, 100.0)
    life.take(unsilenced(life.alarm, "simon", 200.0))
    assert life.notices[-1].by == "simon"
    assert life.tick(201.0) == ["raised"]
    with pytest.raises(AlarmRequestError, match="it is not silenced"):
        unsilenced(life.alarm, "simon", 202.0)


@pytest.mark.parametrize("length_s", [-1.0, 0.0, 367 * 86400.0, float("nan")])
def test_a_silence_has_a_length_that_ends(length_s):
    with pytest.raises(AlarmRequestError, match="is not possible; choose more than 0 s"):
        silenced(Alarm(), "vera", 100.0 + length_s, 100.0)


def test_a_file_of_a_newer_release_is_read():
    life = raised()
    told = json.loads(json.dumps(life.alarm.to_json()))
    assert from_json(told) == life.alarm
    assert from_json({**told, "colour": "red"}) == life.alarm


events = st.lists(
    st.tuples(
        st.sampled_from(["see", "see", "see", "tick", "ack", "silence", "unsilence"]),
        st.sampled_from([True, True, False, None]),
        st.sampled_from([0.0, 1.0, 10.0, 40.0, 700.0]),
    ),
    max_size=40,
)


def apply(life, event, holds, at):
    match event:
        case "see":
            life.see(holds, at)
        case "tick":
            life.tick(at)
        case "ack":
            life.acknowledge(at)
        case "silence":
            life.silence(at + 50.0, at)
        case "unsilence":
            life.take(unsilenced(life.alarm, "vera", at))


@settings(max_examples=150)
@given(events)
def test_whatever_happens_each_alarm_is_told_once_and_a_restart_forgets_nothing(happened):
    life, at = Life(), 1000.0
    for event, holds, later_s in happened:
        at += later_s
        before = life.alarm
        again = Life(alarm=from_json(json.loads(json.dumps(before.to_json()))))
        try:
            apply(life, event, holds, at)
        except AlarmRequestError:
            assert life.alarm == before
            continue
        apply(again, event, holds, at)
        assert again.alarm == life.alarm
    told = [str(each.kind) for each in life.notices if not each.quiet]
    ends = [kind for kind in told if kind in {"raised", "cleared"}]
    # In turn, beginning with a raised one: nobody is told twice, or of the end of nothing.
    assert ends == ["raised", "cleared"] * (len(ends) // 2) + ["raised"] * (len(ends) % 2)
    assert (life.alarm.told_at is not None) == (len(ends) % 2 == 1)
    assert life.alarm.is_raised or not life.alarm.acknowledged_by


@pytest.mark.parametrize(
    ("for_s", "said"), [(0.0, "0 s"), (-60.0, "-60 s"), (400 * 86400.0, "400 days")]
)
def test_a_silence_is_longer_than_nothing_and_at_most_a_year(for_s, said):
    with pytest.raises(AlarmRequestError, match=f"a silence of {said} is not.*most 366 days"):
        silenced(Alarm(), "vera", 1000.0 + for_s, 1000.0)
