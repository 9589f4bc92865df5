"""The course of a roll-out, from its first wave to its end or its stop."""

import itertools

import pytest

from ocsd.rollout.course import (
    AFTER,
    FINAL,
    STEPS,
    HostStep,
    NoRuleError,
    Stage,
    StepEvent,
    exit_code,
    planned,
)

DID, REFUSED, FAILED = StepEvent.DID, StepEvent.REFUSED, StepEvent.FAILED


def played(course, *outcomes):
    """Play a course; `outcomes` has what does not go well, by host and stage."""
    unwell = {(host, stage): (event, why) for host, stage, event, why in outcomes}
    course, steps = course.begun()
    log, due = [], list(steps)
    while due:
        step = due.pop(0)
        log.append((step.host, step.stage))
        course, steps = course.after(step, *unwell.get((step.host, step.stage), (DID, "")))
        due += steps
    return course, log


def test_each_host_takes_reloads_and_comes_up_before_the_next_begins():
    course, log = played(planned((("a",), ("b",)), {}, ()))
    steps = (Stage.TAKES, Stage.RELOADS, Stage.COMES_UP)
    assert log == [*(("a", stage) for stage in steps), *(("b", stage) for stage in steps)]
    assert course.is_over
    assert exit_code(course) == 0


def test_the_hosts_of_a_wave_go_at_once_and_the_next_wave_waits_for_all_of_them():
    course, steps = planned((("a", "b"), ("c",)), {}, ()).begun()
    assert [step.host for step in steps] == ["a", "b"]
    for stage in (Stage.TAKES, Stage.RELOADS, Stage.COMES_UP):
        course, _ = course.after(HostStep("a", stage), DID)
    assert course.under_way == ("b",)
    assert course.stages["c"] is Stage.WAITS


def test_a_host_that_does_not_come_up_goes_back_and_no_other_begins():
    course, log = played(
        planned((("a",), ("b",), ("c",)), {}, ()), ("b", Stage.COMES_UP, FAILED, "thermo1: failed")
    )
    assert course.stages == {"a": Stage.DONE, "b": Stage.WENT_BACK, "c": Stage.UNTOUCHED}
    assert log[-1] == ("b", Stage.GOES_BACK)
    assert course.reasons == {"b": "thermo1: failed"}
    assert exit_code(course) == 1


def test_the_others_of_its_wave_end_what_they_do():
    course, _ = played(
        planned((("a", "b"), ("c",)), {}, ()), ("a", Stage.RELOADS, REFUSED, "the router changed")
    )
    assert course.stages == {"a": Stage.WENT_BACK, "b": Stage.DONE, "c": Stage.UNTOUCHED}


def test_a_host_that_cannot_be_put_back_is_stuck_with_both_reasons():
    course, _ = played(
        planned((("a",),), {}, ()),
        ("a", Stage.COMES_UP, FAILED, "it does not answer"),
        ("a", Stage.GOES_BACK, FAILED, "nor now"),
    )
    assert course.stages == {"a": Stage.STUCK}
    assert course.reasons == {"a": "it does not answer; nor now"}


def test_a_host_that_refuses_the_file_has_nothing_to_put_back():
    course, log = played(
        planned((("a",), ("b",)), {}, ()), ("a", Stage.TAKES, REFUSED, "changed meanwhile")
    )
    assert course.stages == {"a": Stage.REFUSED, "b": Stage.UNTOUCHED}
    assert log == [("a", Stage.TAKES)]


def test_a_host_that_may_have_taken_the_file_is_put_back():
    course, _ = played(planned((("a",),), {}, ()), ("a", Stage.TAKES, FAILED, "no answer"))
    assert course.stages == {"a": Stage.WENT_BACK}


@pytest.mark.parametrize(("event", "end"), [(REFUSED, Stage.REFUSED), (FAILED, Stage.STUCK)])
def test_an_upgrade_comes_first_and_is_not_undone(event, end):
    begun = planned((("a",),), {}, ())
    begun = type(begun)(begun.waves, begun.stages, upgrading=True)
    assert played(begun)[1][:2] == [("a", Stage.UPGRADES), ("a", Stage.TAKES)]
    assert played(begun, ("a", Stage.UPGRADES, event, "why"))[0].stages == {"a": end}


def test_hosts_that_are_away_are_left_out_and_stop_nobody():
    course, log = played(planned((("b",),), {"a": "no answer"}, ("c",)))
    assert course.stages == {"b": Stage.DONE, "c": Stage.DONE, "a": Stage.LEFT_OUT}
    assert {host for host, _ in log} == {"b"}
    assert exit_code(course) == 69


def test_a_roll_out_without_work_is_over_at_once():
    course, steps = planned((), {}, ("a",)).begun()
    assert course.is_over
    assert (steps, exit_code(course)) == ((), 0)


def test_ctrl_c_ends_what_is_under_way_and_begins_nothing():
    course, steps = planned((("a",), ("b",)), {}, ()).begun()
    course = course.after_interrupt()
    assert course.under_way == ("a",)
    assert not course.is_over
    for stage in (Stage.TAKES, Stage.RELOADS, Stage.COMES_UP):
        course, steps = course.after(HostStep("a", stage), DID)
    assert steps == ()
    assert course.stages == {"a": Stage.DONE, "b": Stage.UNTOUCHED}
    assert exit_code(course) == 130


@pytest.mark.parametrize(("stage", "event"), [*itertools.product(Stage, StepEvent)])
def test_each_event_has_a_rule_or_raises_and_changes_nothing(stage, event):
    begun = planned((("a",),), {}, ())
    course = type(begun)(begun.waves, {"a": stage})
    if (stage, event) in AFTER:
        after, _ = course.after(HostStep("a", stage), event)
        assert after.stages["a"] is AFTER[stage, event]
    else:
        with pytest.raises(NoRuleError, match=str(event)):
            course.after(HostStep("a", stage), event)


def test_an_event_of_another_stage_raises():
    course, _ = planned((("a",),), {}, ()).begun()
    with pytest.raises(NoRuleError, match="a: did in reloads"):
        course.after(HostStep("a", Stage.RELOADS), DID)


def test_every_stage_is_a_step_an_end_or_the_wait():
    assert {Stage.WAITS} | set(STEPS) | FINAL == set(Stage)
    assert {stage for stage, _ in AFTER} == set(STEPS)
