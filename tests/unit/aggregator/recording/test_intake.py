import threading

import pytest

from ocsd.aggregator.incoming.tally import Tally
from ocsd.aggregator.recording.arrivals import Announced, Received
from ocsd.aggregator.recording.condition import (
    DROPPED_FOR_S,
    LOST_FOR_S,
    REFUSED_FOR_S,
    Condition,
    Recent,
)
from ocsd.aggregator.recording.intake import Intake, size_of
from ocsd.journal.format import Outage
from tests.unit.aggregator.rig import Lines

WELL = {
    "trouble": None,
    "lag_s": 0.0,
    "waiting": 0,
    "lost": {},
    "estimated_holes": {},
    "refused": {},
    "refused_because": {},
    "retyped": {},
    "retyped_because": {},
    "not_kept": {},
    "not_kept_because": {},
    "dropped": {},
}


def outage(number):
    return Outage(0.0, float(number), "the link was away")


def test_arrivals_are_recorded_in_order_and_their_size_is_known():
    intake, done = Intake(100, lambda: 0.0), []
    for number in range(3):
        intake.put(outage(number), 20)
    assert (intake.waiting, intake.size_bytes) == (3, 60)
    assert intake.crowded
    assert not intake.full
    intake.put(outage(3), 40)
    assert intake.full
    intake.finish(done.extend)
    assert done == [outage(number) for number in range(4)]
    assert (intake.waiting, intake.size_bytes) == (0, 0)


def test_the_lag_is_the_age_of_the_oldest_arrival():
    now = [10.0]
    intake = Intake(monotonic=lambda: now[0])
    assert intake.lag_s == 0.0
    intake.put(outage(0))
    now[0] += 3
    intake.put(outage(0))
    assert intake.lag_s == 3.0
    intake.clear()
    assert intake.lag_s == 0.0


def test_a_defect_is_put_on_record_and_the_next_arrival_is_recorded(recording):
    intake = Intake()
    intake.put(Announced("observatory.a", None))
    intake.put(Received({}, {"address": "observatory.a.feeds.f", "session_id": "1"}))
    intake.finish(lambda arrivals: [recording.recorder.record(each) for each in arrivals])
    assert recording.recorder.encoded()["messages"] == 1
    [reason] = recording.recorder.encoded()["refused_because"].values()
    assert reason.startswith("defect of ocsd: AttributeError")


def test_work_is_ended_by_a_wake():
    intake = Intake()
    worker = threading.Thread(target=intake.work, args=(print, 60.0))
    worker.start()
    intake.wake()
    worker.join(20)
    assert not worker.is_alive()


@pytest.mark.parametrize("message", [None, [], {"b": 1}, {"b": {"data": {}, "timestamps": 3}}])
def test_a_message_of_any_shape_has_a_size(message):
    assert size_of(message) > 0


def test_the_size_grows_with_values_and_texts():
    def block(*values):
        return {"b": {"timestamps": [0.0] * len(values), "data": {"x": list(values)}}}

    assert size_of(block(*range(1000))) > 1000 * 64
    assert size_of(block("x" * 5000)) > 5000


def reason(condition, now_s=0.0, **figures):
    data = {**WELL, **figures}
    condition.update(data, now_s)
    return condition.reason(data)


def test_what_was_refused_and_lost_lately_is_told_for_a_while():
    condition = Condition()
    assert reason(condition, lost={"f": 7}, refused={"a": 1}, refused_because={"a": "old"}) == ""
    figures = {
        "lost": {"f": 12},
        "refused": {"a": 1, "b": 2},
        "refused_because": {"a": "old", "b": "it is bad"},
    }
    told = reason(condition, 1.0, **figures)
    assert "5 messages lost in the last hour (f)" in told
    assert "2 refused in the last 5 minutes, e.g. of b: it is bad" in told
    told = reason(condition, 2.0 + REFUSED_FOR_S, **figures)
    assert "refused" not in told
    assert "lost" in told
    assert reason(condition, 2.0 + LOST_FOR_S, **figures) == ""


def test_estimated_holes_are_told_as_long_as_others():
    condition = Condition()
    assert reason(condition, estimated_holes={"f": 3}) == ""
    told = reason(condition, 1.0, estimated_holes={"f": 3, "g": 2})
    assert told == (
        "estimated holes in the last hour, in feeds without numbers: 2 (g); see `ocsd data gaps`"
    )
    assert reason(condition, LOST_FOR_S, estimated_holes={"f": 3, "g": 2}) == told
    assert reason(condition, 2.0 + LOST_FOR_S, estimated_holes={"f": 3, "g": 2}) == ""


def test_only_who_was_refused_lately_is_named():
    tally = Tally(Lines(), "set aside")
    for sender in ("a", "b", "a"):
        tally.add(sender, f"{sender} is bad")
    condition = Condition()
    reason(condition, refused={"b": 1}, refused_because={"b": "b is bad"})
    figures = {"refused": dict(tally.counts), "refused_because": dict(tally.reasons)}
    told = reason(condition, 1.0, **figures)
    assert told == "2 refused in the last 5 minutes, e.g. of a: a is bad"
    figures["refused_because"] = {"a": "a is bad", "b": "what b was refused for long ago"}
    assert reason(condition, 2.0, **figures) == told


def test_only_names_are_told_whose_messages_went_lately():
    condition = Condition()
    before = {"old": 1000, "older": 500, "x": 3, "y": 1, "z": 1}
    reason(condition, lost=before, dropped=before)
    after = {**before, "x": 5, "new": 4}
    told = reason(condition, 1.0, lost=after, dropped=after)
    assert "6 messages lost in the last hour (new, x); see" in told
    assert "6 without a number dropped in the last 5 minutes (new, x)" in told
    after = {name: count + 1 for name, count in after.items()}
    told = reason(condition, 2.0 + DROPPED_FOR_S, lost=after)
    assert "12 messages lost in the last hour (new, x, old and others)" in told


def test_what_is_remembered_of_growth_is_bounded():
    recent = Recent(LOST_FOR_S)
    for second in range(3 * int(LOST_FOR_S)):
        recent.update({"a": second, "b": 0}, float(second))
    assert LOST_FOR_S * 0.98 <= recent.counts.total() <= LOST_FOR_S + 1
    assert recent.names == "a"
    assert len(recent._growth) <= 62


def test_what_could_not_even_be_put_in_quarantine_is_told_in_its_own_words():
    condition = Condition()
    reason(condition)
    told = reason(condition, 1.0, not_kept={"a": 2}, not_kept_because={"a": "No space left"})
    assert told == "2 of the refused could not even be put in quarantine, e.g. of a: No space left"


def test_trouble_and_lag_are_told_at_once():
    condition = Condition()
    assert reason(condition, trouble="the disk is full") == "the disk is full"
    assert reason(condition, lag_s=12.3, waiting=7) == (
        "12 s behind: 7 messages wait to be recorded"
    )


def test_a_field_that_changed_its_type_is_told_with_both_types():
    condition = Condition()
    reason(condition)
    change = "was int and is float now"
    told = reason(
        condition, 1.0, retyped={"a.feeds.b.x": 1}, retyped_because={"a.feeds.b.x": change}
    )
    assert told == (
        "changes of a field's type in the last hour: 1, e.g. a.feeds.b.x: was int and is float "
        "now; `ocsd data export` reads all values as they were published"
    )


def test_arrivals_that_wait_are_recorded_together_until_the_thread_is_woken():
    intake, lots = Intake(100), []
    for number in range(3):
        intake.put(outage(number))
    intake.wake()
    intake.put(outage(3))
    intake.work(lots.append, 60.0)
    assert lots == [[outage(0), outage(1), outage(2)]]
    assert intake.waiting == 1
