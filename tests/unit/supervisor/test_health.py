"""From what is known of an instance to how well it does."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsd.supervisor.events import State
from ocsd.supervisor.health import (
    DEFAULT_LIVENESS,
    LIFE,
    WELL,
    Health,
    Layer,
    Response,
    SelfReport,
    Verdict,
    is_plainly_well,
    judge,
    reason_to_restart,
)
from ocsd.supervisor.lifecycle import Lifecycle

JOINED = {"READY": "1", "WATCHDOG": "1", "STATUS": ""}
AWAY = {"WATCHDOG": "1", "STATUS": "waiting for the router at ws://hub"}


def up(**fields):
    return Lifecycle(state=State.UP, since_s=0.0, up_since_s=0.0, **fields)


def heard(*notifications, started_at_s=0.0):
    """Return the report after notifications, each a dict and its time."""
    report = SelfReport(started_at_s)
    for fields, now_s in notifications:
        report = report.after(fields, now_s)
    return report


@pytest.mark.parametrize("state", [State.DOWN, State.STOPPING, State.BACKOFF, State.FAILED])
def test_what_does_not_run_has_no_health(state):
    life = Lifecycle(state=state)
    assert judge(life, SelfReport(), 1.0) == Verdict(None)
    assert reason_to_restart(life, SelfReport(heard_at_s=-100.0), 1.0) == ""


def test_a_joined_agent_without_complaint_is_ok():
    assert judge(up(), heard((JOINED, 99.5)), 100.0) == Verdict(Health.OK)


def test_silence_of_the_reactor_is_a_hang():
    verdict = judge(up(), heard((JOINED, 80.0)), 100.0)
    assert verdict == Verdict(Health.HUNG, "its reactor has not answered for 20 s", Layer.REACTOR)


def test_an_agent_that_somebody_holds_is_told_as_that():
    held = "it is stopped (SIGSTOP); `kill -CONT 7` lets it go on"
    report = replace(heard((JOINED, 80.0)), held=held)
    verdict = judge(up(), report, 100.0)
    assert verdict == Verdict(Health.HUNG, f"no answer for 20 s: {held}", Layer.REACTOR)
    # The remedy would come too late.
    assert reason_to_restart(up(), report, 110.0) == (
        "reactor: no answer for 30 s: it is stopped (SIGSTOP)"
    )


def test_an_agent_that_lost_the_router_is_degraded_and_says_so():
    verdict = judge(up(), heard((JOINED, 90.0), (AWAY, 99.5)), 100.0)
    assert verdict == Verdict(Health.DEGRADED, "waiting for the router at ws://hub", Layer.ROUTER)


def test_the_lowest_layer_that_fails_is_named():
    fields = {**AWAY, "X_CALL": "no answer for 12 s", "X_FEEDS": "feed t is silent"}
    assert judge(up(), heard((fields, 99.0)), 100.0).layer is Layer.ROUTER
    fields = {**fields, "READY": "1", "STATUS": "operation 'acq' failed"}
    verdict = judge(up(), heard((fields, 99.0)), 100.0)
    assert verdict == Verdict(Health.DEGRADED, "no answer for 12 s", Layer.CALL)
    verdict = judge(up(), heard((fields, 98.0), ({"X_CALL": ""}, 99.0)), 100.0)
    assert verdict == Verdict(Health.DEGRADED, "feed t is silent", Layer.FEEDS)


def test_a_joined_agent_with_a_complaint_is_degraded():
    report = heard(({**JOINED, "STATUS": "operation 'acq' failed: no device"}, 99.5))
    assert judge(up(), report, 100.0) == Verdict(
        Health.DEGRADED, "operation 'acq' failed: no device", Layer.OPERATIONS
    )


def test_a_layer_that_answers_with_nothing_is_not_looked_at():
    report = heard(({**JOINED, "X_FEEDS": "feed t is silent"}, 99.5))
    liveness = {**DEFAULT_LIVENESS, Layer.FEEDS: Response.NOTHING}
    assert judge(up(), report, 100.0, liveness) == Verdict(Health.OK)


def test_a_long_start_is_degraded_and_says_what_it_waits_for():
    life = Lifecycle(state=State.STARTING, since_s=0.0)
    report = heard((AWAY, 11.5))
    assert judge(life, report, 9.0) == Verdict(Health.OK)
    assert judge(life, report, 12.0) == Verdict(
        Health.DEGRADED, f"not ready after 12 s: {AWAY['STATUS']}", Layer.ROUTER
    )


def test_a_start_without_a_word_is_degraded_too():
    life = Lifecycle(state=State.STARTING, since_s=0.0)
    assert judge(life, SelfReport(0.0), 12.0).reason == "not ready after 12 s: no word of it"


def test_a_start_that_waits_for_others_is_not_late():
    life = Lifecycle(state=State.STARTING, since_s=0.0)
    assert judge(life, SelfReport(), 100.0) == Verdict(Health.OK)
    # The time counts from when its process is started.
    assert judge(life, SelfReport(95.0), 100.0) == Verdict(Health.OK)
    assert judge(life, SelfReport(95.0), 106.0).reason.startswith("not ready after 11 s")


def test_a_reactor_that_never_began_is_told_from_one_that_hangs():
    life = Lifecycle(state=State.STARTING, since_s=0.0)
    report = heard(({"X_CODE": "agent.py"}, 1.0))
    reason = reason_to_restart(life, report, 32.0)
    assert reason == (
        "reactor: its reactor has not begun to report for 31 s since its start; "
        "if it needs that long, its entry may say `liveness: {reactor: warn}`"
    )
    assert judge(life, report, 32.0).health is Health.HUNG
    liveness = {**DEFAULT_LIVENESS, Layer.REACTOR: Response.WARN}
    assert reason_to_restart(life, report, 32.0, liveness) == ""
    begun = report.after({"WATCHDOG": "1"}, 40.0)
    assert judge(life, begun, 60.0).reason == "its reactor has not answered for 20 s"


def test_a_program_that_reports_nothing_is_not_taken_for_hung():
    assert judge(up(), SelfReport(), 1000.0) == Verdict(Health.OK)


def test_a_crash_loop_is_unstable_until_up_for_a_minute():
    life = up(failures=2, last_end="killed by SIGSEGV")
    assert judge(life, heard((JOINED, 30.0)), 30.0) == Verdict(
        Health.UNSTABLE, "2 unexpected ends in a row; killed by SIGSEGV"
    )
    assert judge(life, heard((JOINED, 60.0)), 60.0) == Verdict(Health.OK)


def test_half_a_minute_of_silence_is_a_reason_to_restart():
    report = heard((JOINED, 100.0))
    assert reason_to_restart(up(), report, 129.9) == ""
    assert reason_to_restart(up(), report, 130.0) == (
        "reactor: its reactor has not answered for 30 s"
    )


@pytest.mark.parametrize("key", ["X_CALL", "X_FEEDS"])
def test_silence_is_a_reason_to_restart_only_if_the_entry_says_so(key):
    layer = {"X_CALL": Layer.CALL, "X_FEEDS": Layer.FEEDS}[key]
    fields = {**JOINED, key: "silent"}
    report = heard((fields, 100.0), (fields, 140.0))
    assert reason_to_restart(up(), report, 140.0) == ""
    liveness = {**DEFAULT_LIVENESS, layer: Response.RESTART}
    assert reason_to_restart(up(), report, 140.0, liveness) == f"{layer}: silent"


def test_a_layer_that_recovered_in_between_has_all_its_time_again():
    silent = {**JOINED, "X_FEEDS": "silent"}
    report = heard((silent, 100.0), ({**JOINED, "X_FEEDS": ""}, 120.0), (silent, 121.0))
    liveness = {**DEFAULT_LIVENESS, Layer.FEEDS: Response.RESTART}
    assert reason_to_restart(up(), report, 131.0, liveness) == ""


def test_a_report_without_the_router_leaves_it_as_it_is():
    assert heard((JOINED, 1.0), ({"X_FAILURE": "no device"}, 2.0)).ready
    assert not heard((JOINED, 1.0), (AWAY, 2.0)).ready


def test_what_nobody_could_hear_is_held_against_nobody():
    fields = {**JOINED, "X_FEEDS": "silent"}
    liveness = {**DEFAULT_LIVENESS, Layer.FEEDS: Response.RESTART}
    report = heard((fields, 100.0))
    assert reason_to_restart(up(), report, 200.0, liveness).startswith("reactor: ")
    excused = report.excused(200.0)
    assert judge(up(), excused, 200.0) == Verdict(Health.DEGRADED, "silent", Layer.FEEDS)
    assert reason_to_restart(up(), excused, 200.0, liveness) == ""
    again = excused.after(fields, 229.0)
    assert reason_to_restart(up(), again, 229.9, liveness) == ""
    assert reason_to_restart(up(), again, 230.0, liveness) == "feeds: silent"


def test_who_never_reported_is_not_taken_for_one_that_did():
    assert SelfReport().excused(200.0) == SelfReport()


def test_a_start_that_falls_silent_is_a_hang():
    life = Lifecycle(state=State.STARTING, since_s=0.0)
    report = heard((AWAY, 1.0))
    assert judge(life, report, 11.0) == Verdict(
        Health.DEGRADED, f"not ready after 11 s: {AWAY['STATUS']}", Layer.ROUTER
    )
    assert judge(life, report, 12.0).health is Health.HUNG


TEXTS = st.sampled_from(["", "no device"])
NOTIFICATIONS = st.one_of(
    st.just(LIFE),
    st.fixed_dictionaries(
        {},
        optional={
            "READY": st.just("1"),
            "WATCHDOG": st.just("1"),
            "STATUS": TEXTS,
            "X_CALL": TEXTS,
            "X_FEEDS": TEXTS,
        },
    ),
)


@given(
    st.sampled_from(State),
    st.integers(0, 3),
    st.lists(NOTIFICATIONS, max_size=4),
    st.floats(0.0, 12.0),
    st.fixed_dictionaries({layer: st.sampled_from(Response) for layer in Layer}),
)
def test_what_is_well_at_a_glance_is_ok_by_all_the_rules(
    state, failures, notifications, silent_s, liveness
):
    life = Lifecycle(state=state, up_since_s=0.0, failures=failures)
    report = heard(*((fields, 100.0 + n) for n, fields in enumerate(notifications)))
    now_s = 100.0 + len(notifications) + silent_s
    if is_plainly_well(life, report, now_s):
        assert judge(life, report, now_s, liveness) == WELL
        assert reason_to_restart(life, report, now_s, liveness) == ""


def test_an_agent_that_is_up_and_well_is_so_at_a_glance_until_it_was_silent_for_too_long():
    report = heard((JOINED, 80.0), (LIFE, 90.0))
    assert is_plainly_well(up(), report, 100.0)
    assert not is_plainly_well(up(), report, 100.1)


@given(st.lists(NOTIFICATIONS, max_size=4))
def test_a_sign_of_life_alone_says_what_it_says_beside_other_words(notifications):
    report = heard(*((fields, float(n)) for n, fields in enumerate(notifications)))
    assert report.after(LIFE, 9.0) == report.after({**LIFE, "X_OTHER": ""}, 9.0)
