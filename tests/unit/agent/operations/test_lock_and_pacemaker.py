import threading

import pytest

from ocsd.ocs_twisted import Pacemaker, TimeoutLock, in_reactor_context


def in_thread(function, *args):
    thread = threading.Thread(target=function, args=args, daemon=True)
    thread.start()
    return thread


def test_a_held_lock_is_not_waited_for_by_default():
    lock = TimeoutLock()
    assert lock.acquire(job="first")
    assert not lock.acquire(job="second")
    assert lock.job == "first"
    lock.release()
    assert lock.job is None


def test_a_limit_is_waited_for_once_not_twice():
    lock = TimeoutLock(default_timeout=0.05)
    lock.acquire()
    assert not lock.acquire()


def test_a_context_says_whether_it_holds_the_lock():
    lock = TimeoutLock()
    with lock.acquire_timeout(job="outer") as held:
        assert held
        with lock.acquire_timeout(0, job="inner") as second:
            assert not second
        assert lock.job == "outer"
    assert lock.acquire()


def test_a_context_gives_the_lock_back_after_an_error():
    lock = TimeoutLock()
    with pytest.raises(KeyError), lock.acquire_timeout():
        raise KeyError
    assert lock.acquire()


def test_who_waits_goes_before_who_comes_back():
    lock = TimeoutLock()
    jobs = []

    def task():
        waiting.set()
        with lock.acquire_timeout(10, job="task") as held:
            jobs.append(lock.job if held else "starved")

    waiting = threading.Event()
    lock.acquire(job="process")
    thread = in_thread(task)
    waiting.wait(10)
    while not lock._queue:
        waiting.wait(0.001)
    assert lock.release_and_acquire(timeout=10)
    jobs.append(lock.job)
    assert jobs == ["task", "process"]
    thread.join(10)


class SimulatedTime:
    def __init__(self, now=100.0):
        self.now = now

    def time(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_the_pace_does_not_depend_on_the_work():
    clock = SimulatedTime()
    pace = Pacemaker(2, clock=clock)
    moments = []
    for work_s in (0.1, 0.4, 0.2):
        pace.sleep()
        moments.append(clock.now)
        clock.now += work_s
    assert moments == [100.0, 100.5, 101.0]


def test_a_quantised_pace_falls_on_the_grid():
    clock = SimulatedTime(100.13)
    pace = Pacemaker(4, quantize=True, clock=clock)
    moments = []
    for _ in range(4):
        pace.sleep()
        moments.append(clock.now)
    assert moments == [100.13, 100.25, 100.5, 100.75]
    pace.sleep()
    assert clock.now == 101.0


@pytest.mark.parametrize("quantize", [True, False])
@pytest.mark.parametrize("step_s", [-3600, 3600, -0.3, 0.3, -1e9, 1e9])
def test_no_sleep_is_longer_than_a_period_whatever_the_clock_does(quantize, step_s):
    clock, slept = SimulatedTime(1_800_000_000.0), []
    pace = Pacemaker(2, quantize=quantize, clock=clock)
    clock.sleep = lambda seconds: (
        slept.append(seconds),
        setattr(clock, "now", clock.now + seconds),
    )
    for turn in range(8):
        clock.now += step_s if turn in {2, 5} else 0.01
        pace.sleep()
    assert max(slept) <= 0.5
    assert len(slept) >= 4


@pytest.mark.parametrize("late_s", [0.0, 0.004, 0.2])
def test_a_sleep_that_ends_early_or_late_makes_no_sample_more_or_less(late_s):
    clock = SimulatedTime(100.0)
    pace = Pacemaker(4, quantize=True, clock=clock)
    pace.sleep()
    clock.sleep = lambda seconds: setattr(clock, "now", clock.now + seconds + late_s)
    for _ in range(8):
        pace.sleep()
    assert abs(clock.now - 102.0) <= abs(late_s) + 1e-9


def test_the_pace_of_a_reactor_is_the_same(reactor):
    clock = SimulatedTime()
    pace = Pacemaker(1, clock=clock)
    done = []
    pace.dsleep().addCallback(done.append)
    pace.dsleep().addCallback(done.append)
    assert len(done) == 1
    reactor.advance(1)
    assert len(done) == 2


@pytest.mark.parametrize(("rate", "quantize"), [(0, False), (-1, False), (1.5, True)])
def test_a_rate_that_cannot_be_kept_is_refused(rate, quantize):
    with pytest.raises(ValueError, match="sample_freq"):
        Pacemaker(rate, quantize)


def test_a_worker_thread_is_not_the_reactors():
    seen = []
    in_thread(lambda: seen.append(in_reactor_context())).join(10)
    assert seen == [False]
    assert in_reactor_context()
