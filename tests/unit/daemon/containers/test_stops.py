"""Containers are ended at the pace of their compose file, also by a Docker that was away."""

import signal

import pytest
from twisted.internet.defer import Deferred

from ocsd.containers.inspected import Container
from ocsd.daemon.containers.stops import EXTRA_S, Stops
from ocsd.errors import EngineAwayError

ONE = Container("c1", "one", "running", pid=42, stop_limit_s=3.0)


class Docker:
    """A Docker that answers when it is told to."""

    def __init__(self):
        self.asked = []
        self.waiting = Deferred()

    async def stop(self, container_id, limit_s):
        self.asked.append(("stop", limit_s))
        await self.waiting

    async def kill(self, container_id, name):
        self.asked.append(name)

    async def remove(self, container_id):
        self.asked.append("remove")


@pytest.fixture
def docker():
    return Docker()


@pytest.fixture
def stops(clock, docker):
    async def last_output(name, container):
        docker.asked.append(f"output of {name}")

    return Stops(clock, docker, last_output, lambda: None)


def test_a_container_has_the_time_of_its_compose_file_and_is_removed(stops, docker, clock):
    stops.signal("one", ONE, signal.SIGINT)
    stops.signal("one", ONE, signal.SIGINT)
    assert docker.asked == [("stop", 3.0 + EXTRA_S)]
    assert stops.takes_its_time("one")
    clock.advance(3.0 + EXTRA_S)
    assert not stops.takes_its_time("one")
    docker.waiting.callback(None)
    assert docker.asked[1:] == ["output of one", "remove"]
    assert stops.under_way == {}


def test_by_force_it_is_killed_and_removed(stops, docker):
    stops.signal("one", ONE, signal.SIGTERM)
    stops.signal("one", ONE, signal.SIGKILL)
    assert docker.asked == ["SIGTERM", "SIGKILL", "output of one", "remove"]


def test_what_docker_did_not_hear_is_said_again(stops, docker):
    stops.signal("one", ONE, signal.SIGINT)
    docker.waiting.errback(EngineAwayError("away"))
    assert stops.takes_its_time("one")
    docker.waiting = Deferred()
    stops.catch_up()
    assert docker.asked == [("stop", 3.0 + EXTRA_S)] * 2
    docker.waiting.callback(None)
    assert not stops.takes_its_time("one")
