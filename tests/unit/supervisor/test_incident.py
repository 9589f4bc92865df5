"""Many failures at once are one incident."""

from hypothesis import given
from hypothesis import strategies as st

from ocsd.supervisor.incident import WINDOW_S, Failures


def fall(*ends, running=10):
    failures = Failures()
    for name, now_s in ends:
        failures = failures.after(name, running, now_s)
    return failures


def test_two_failures_are_the_fault_of_each():
    assert not fall(("a", 0.0), ("b", 0.1)).is_shared(0.1)


def test_a_third_of_all_within_seconds_is_one_incident():
    failures = fall(("a", 1.0), ("b", 2.0), ("c", 4.0))
    assert failures.is_shared(4.0)
    assert (failures.since_s, failures.names) == (1.0, ("a", "b", "c"))


def test_a_small_part_of_a_large_fleet_is_no_incident():
    assert not fall(("a", 1.0), ("b", 1.0), ("c", 1.0), running=50).is_shared(1.0)


def test_one_instance_that_crashes_over_and_over_is_no_incident():
    assert not fall(*[("a", number / 10) for number in range(20)]).is_shared(2.0)


def test_failures_that_lie_apart_do_not_add_up():
    assert not fall(("a", 0.0), ("b", 10.0), ("c", 20.0)).is_shared(20.0)


def test_an_incident_grows_and_is_over_after_a_pause():
    failures = fall(("a", 0.0), ("b", 0.0), ("c", 0.0), ("d", 4.0))
    assert failures.names == ("a", "b", "c", "d")
    assert failures.over(8.0) == failures
    assert failures.over(9.1).since_s is None
    assert not failures.is_shared(9.1)


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 3)), max_size=30))
def test_an_incident_has_at_least_three_instances(steps):
    failures, now_s = Failures(), 0.0
    for name, pause_s in steps:
        now_s += pause_s
        failures = failures.after(name, 6, now_s)
        assert all(now_s - at_s <= WINDOW_S for at_s in failures.at_s.values())
        if failures.is_shared(now_s):
            assert len(failures.names) >= 3
            assert name in failures.names
