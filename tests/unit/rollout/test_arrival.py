"""Whether a host has come up after a reload."""

import pytest

from ocsd.rollout.arrival import Arrival, arrival, recounted
from ocsd.status.replies import HostStatus, InstanceStatus, RouterStatus

UP = RouterStatus("up", health="ok")


def row(name="a", state="up", target="up", *, uptime_s=60.0, since_at=1.0, **more):
    health = more.pop("health", "ok" if state == "up" else None)
    return InstanceStatus(
        name, state=state, target=target, health=health, uptime_s=uptime_s, since_at=since_at,
        **more,
    )  # fmt: skip


def judged(effects, was, now, router=UP):
    before = HostStatus(instances=tuple(was), router=UP)
    return arrival(effects, before, HostStatus(instances=tuple(now), router=router), 2.0)


def test_a_host_on_which_nothing_moves_has_arrived():
    assert judged({}, [row()], [row()]) == Arrival()


@pytest.mark.parametrize(
    "now",
    [
        row(since_at=1.0),  # still the old process
        row(state="stopping", since_at=2.0),
        row(state="starting", since_at=2.0),
        row(state="backoff", since_at=2.0, restarts=1),
        row(since_at=2.0, uptime_s=1.9),
        row(since_at=2.0, uptime_s=None),
        row(since_at=2.0, health="degraded"),
    ],
)
def test_what_restarts_is_awaited_until_it_runs_well_for_a_while(now):
    found = judged({"a": "restarts"}, [row()], [now])
    assert found.failed == ()
    assert len(found.waits) == 1
    assert judged({"a": "restarts"}, [row()], [row(since_at=2.0, uptime_s=2.0)]) == Arrival()


def test_what_starts_need_not_have_been_there():
    assert judged({"a": "starts"}, [], [row()]) == Arrival()
    assert judged({"a": "starts"}, [], [row(state="starting")]).waits == ("a: starting",)


@pytest.mark.parametrize(
    ("now", "words"),
    [
        (row(state="failed", reason="no class Ax"), "a: failed: no class Ax"),
        (row(state="backoff", restarts=5, reason="exit code 1"), "a: backoff: exit code 1"),
    ],
)
def test_what_has_failed_or_ends_again_and_again_does_not_come(now, words):
    assert judged({"a": "restarts"}, [row(restarts=2)], [now]).failed == (words,)


def test_a_job_that_is_done_has_arrived():
    assert judged({"a": "starts"}, [], [row(state="down", target="down")]) == Arrival()


def goes_on(now, past_s=5.0):
    before = HostStatus(instances=(row(restarts=2),), router=UP)
    now = HostStatus(instances=(now,), router=UP)
    return arrival({"a": "goes on"}, before, now, 2.0, past_s)


def test_what_goes_on_with_other_limits_is_looked_at_before_it_counts_as_well():
    assert goes_on(row(restarts=2), 1.9).waits == ("a: its limits were changed just now",)
    assert goes_on(row(restarts=2), 2.0) == Arrival()
    put_down = row(state="down", target="down", since_at=2.0)
    assert goes_on(put_down) == Arrival()


def test_what_a_new_limit_ends_again_and_again_does_not_come():
    why = "memory: 66M is above its limit of 20M"
    once = row(state="backoff", restarts=3, since_at=2.0, reason=why)
    assert goes_on(once).waits == (f"a: backoff: {why}",)
    assert goes_on(once._replace(restarts=5)).failed == (f"a: backoff: {why}",)
    assert goes_on(row(restarts=3, since_at=2.0, uptime_s=1.0)).waits == ("a: up",)
    assert goes_on(row(restarts=3, since_at=2.0, uptime_s=2.0)) == Arrival()


def test_what_ends_is_awaited_until_it_is_down_or_gone():
    assert judged({"a": "ends"}, [row()], [row(state="stopping")]).waits == ("a: stopping",)
    assert judged({"a": "ends"}, [row()], [row(state="down", target="down")]) == Arrival()
    assert judged({"a": "ends"}, [row()], []) == Arrival()


def test_what_was_not_touched_must_do_as_well_as_before():
    ill = row("b", health="degraded", reason="feeds")
    assert judged({}, [row("b")], [ill]).waits == ("b: up, degraded: feeds",)
    assert judged({}, [ill], [ill]) == Arrival()
    assert judged({}, [row("b")], [row("b", "down", "down")]) == Arrival()
    assert judged({}, [], [ill]) == Arrival()


def test_the_router_must_work_if_it_worked():
    away = RouterStatus("backoff")
    assert judged({}, [], [], router=away).waits == ("router: backoff",)
    assert arrival({}, HostStatus(router=away), HostStatus(router=away), 2.0) == Arrival()


def test_what_ended_with_the_new_file_does_not_count_against_the_way_back():
    before = HostStatus(instances=(row(restarts=1), row("b", restarts=1)), router=UP)
    now = HostStatus(instances=(row(state="backoff", restarts=4),), router=UP)
    assert arrival({"a": "starts"}, before, now, 2.0).failed == ("a: backoff",)
    base = recounted(before, now)
    assert [each.restarts for each in base.instances] == [4, 1]
    assert arrival({"a": "starts"}, base, now, 2.0).waits == ("a: backoff",)
