"""An agent without a router, in simulated time."""

from argparse import Namespace

import pytest
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from ocsd.agent.agent import OCSAgent
from ocsd.bus.wamp import ComponentConfig, TransportLost
from ocsd.reactor import threads


class SimulatedReactor(Clock):
    """A reactor whose time the test advances and whose threads run at once."""

    def callFromThread(self, function, *args):
        function(*args)

    def getThreadPool(self):
        return self

    def callInThreadWithCallback(self, on_result, function, *args):
        try:
            result = True, function(*args)
        except BaseException:  # noqa: BLE001 - the pool hands any failure over
            result = False, Failure()
        on_result(*result)


class RecordingLink:
    """The other end of an agent's publications; can be away."""

    def __init__(self):
        self.published = []
        self.away = False
        self.room = None  # how many messages until it goes away

    def publish(self, topic, message):
        if self.away or self.room == 0:
            raise TransportLost
        if self.room is not None:
            self.room -= 1
        self.published.append((topic, message))


@pytest.fixture
def reactor():
    reactor = SimulatedReactor()
    threads.use_reactor(reactor)
    yield reactor
    threads.use_reactor(None)
    assert reactor.getDelayedCalls() == []


@pytest.fixture
def agent(reactor):
    args = Namespace(instance_id="thermo1", access_policy=None)
    agent = OCSAgent(ComponentConfig("test_realm"), args, "observatory.thermo1", "ThermoAgent")
    agent.unix_time = lambda: 0.0  # a clock that is not set, with which small times are good
    return agent


@pytest.fixture
def link(agent):
    """The link of the agent's feeds; the agent is not joined otherwise."""
    link = RecordingLink()
    agent._link = link
    return link


@pytest.fixture
def folder(tmp_path):
    """Where the agent's spools are."""
    return tmp_path / "spool" / "thermo1"
