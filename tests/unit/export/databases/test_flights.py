"""Batches in flight: in order, bounded, and given up together."""

from concurrent.futures import Executor, Future

import pytest

from ocsd.export.databases.destination import DatabaseAwayError, Delivered
from ocsd.export.databases.flights import Flights


class ByHand(Executor):
    """Its work ends when the test says so."""

    def __init__(self):
        self.futures = []

    def submit(self, work, /, *_arguments, **_named):
        future = Future()
        self.futures.append(future)
        return future


@pytest.fixture
def told():
    return []


@pytest.fixture
def executor():
    return ByHand()


@pytest.fixture
def flights(executor, told):
    return Flights(executor, 2, lambda delivered: told.append(delivered.lines))


def send(flights):
    flights.send(lambda: Delivered(0))


def test_a_cursor_counts_when_all_before_it_has_landed(flights, executor, told):
    send(flights)
    flights.then(lambda: told.append("first cursor"))
    send(flights)
    flights.then(lambda: told.append("second cursor"))
    first, second = executor.futures
    second.set_result(Delivered(2))
    assert told == []
    first.set_result(Delivered(1))
    flights.land()
    assert told == [1, "first cursor", 2, "second cursor"]


def test_with_nothing_in_flight_a_cursor_counts_at_once(flights, told):
    flights.then(lambda: told.append("cursor"))
    assert told == ["cursor"]


def test_another_batch_waits_for_the_oldest(flights, executor, told):
    send(flights)
    send(flights)
    executor.futures[0].set_result(Delivered(1))
    send(flights)
    assert told == [1]


def test_behind_a_batch_that_failed_nothing_counts(flights, executor, told):
    send(flights)
    flights.then(lambda: told.append("cursor"))
    send(flights)
    first, second = executor.futures
    first.set_exception(DatabaseAwayError("gone"))
    second.set_result(Delivered(2))
    with pytest.raises(DatabaseAwayError):
        flights.land()
    flights.abandon()
    flights.land()
    assert told == []
