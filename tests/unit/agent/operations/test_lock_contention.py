"""TimeoutLock while many threads want it at once."""

import threading
import time
from collections import Counter

import pytest

from ocsd.ocs_twisted import TimeoutLock

LIMIT_S = 20


def run_all(functions):
    """Run each function in a thread; fail if one has not ended in time."""
    threads = [threading.Thread(target=function, daemon=True) for function in functions]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + LIMIT_S
    for thread in threads:
        thread.join(max(0, deadline - time.monotonic()))
    assert not any(thread.is_alive() for thread in threads)


def until(condition):
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.0005)


def test_eight_threads_take_it_ten_thousand_times_one_at_a_time():
    lock = TimeoutLock()
    inside, overlaps, turns = [], [], Counter()

    def worker(name):
        for _ in range(10_000 // 8):
            with lock.acquire_timeout(-1, job=name) as held:
                inside.append(name)
                time.sleep(0)  # gives the others a chance to break in
                if not held or inside != [name] or lock.job != name:
                    overlaps.append(name)
                turns[name] += 1
                inside.remove(name)

    run_all([lambda n=n: worker(f"job {n}") for n in range(8)])
    assert overlaps == []
    assert set(turns.values()) == {1250}
    assert lock.job is None
    assert lock.acquire()


class Users:
    """Threads that use one lock in their ways, and what became of each."""

    def __init__(self):
        self.lock = TimeoutLock()
        self.got, self.missed = Counter(), Counter()
        self._inside = []

    def enter(self, name):
        self._inside.append(name)
        assert self._inside == [name]
        self._inside.pop()
        self.got[name] += 1

    def process(self, over):
        with self.lock.acquire_timeout(-1, job="process"):
            while not over.is_set():
                self.enter("process")
                assert self.lock.release_and_acquire(timeout=LIMIT_S)

    def task(self, name, timeout):
        for _ in range(400):
            with self.lock.acquire_timeout(timeout, job=name) as held:
                if held:
                    self.enter(name)
                else:
                    self.missed[name] += 1


def test_with_mixed_limits_no_caller_starves_and_no_wakeup_is_lost():
    """Those who hold it in a loop, those who wait and those who look in now and then."""
    users, over = Users(), threading.Event()
    patient = {"one": -1, "two": -1, "three": -1, "limited": LIMIT_S, "also limited": LIMIT_S}
    hasty = {"passing by": 0, "hasty": 1e-5}

    def tasks():
        limits = {**patient, **hasty}
        run_all([lambda n=n, t=t: users.task(n, t) for n, t in limits.items()])
        over.set()

    run_all([lambda: users.process(over), tasks])
    assert [users.got[name] for name in patient] == [400] * 5
    assert [users.got[name] + users.missed[name] for name in hasty] == [400] * 2
    assert users.got["process"] > 0
    assert users.lock.job is None
    assert not users.lock._queue


def test_all_who_wait_go_first_in_the_order_in_which_they_came():
    lock = TimeoutLock()
    order = []

    def waiting(name):
        with lock.acquire_timeout(-1, job=name):
            order.append(name)

    lock.acquire(job="process")
    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=waiting, args=(number,), daemon=True))
        threads[-1].start()
        until(lambda number=number: len(lock._queue) == number + 1)
    assert lock.release_and_acquire(timeout=LIMIT_S)
    assert order == [0, 1, 2, 3, 4]
    assert lock.job == "process"
    for thread in threads:
        thread.join(LIMIT_S)


def test_who_gives_up_leaves_the_queue():
    lock = TimeoutLock()
    lock.acquire(job="holder")
    assert not lock.acquire(timeout=0.01)
    assert not lock.acquire(timeout=0)
    assert not lock._queue
    lock.release()
    assert lock.acquire(timeout=0)


def test_a_block_that_lost_the_lock_does_not_release_it():
    lock = TimeoutLock()
    taken, done = threading.Event(), threading.Event()

    def task():
        with lock.acquire_timeout(-1, job="task"):
            taken.set()
            done.wait(LIMIT_S)

    with lock.acquire_timeout(0, job="process") as held:
        assert held
        thread = threading.Thread(target=task, daemon=True)
        thread.start()
        until(lambda: lock._queue)
        assert not lock.release_and_acquire(timeout=0.01)
    taken.wait(LIMIT_S)
    assert lock.job == "task"
    done.set()
    thread.join(LIMIT_S)
    assert lock.job is None


def test_a_lock_that_is_free_cannot_be_released():
    with pytest.raises(RuntimeError, match="is not held"):
        TimeoutLock().release()
    with pytest.raises(RuntimeError, match="is not held"):
        TimeoutLock().release_and_acquire()
