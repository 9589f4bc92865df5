from types import SimpleNamespace

import pytest
from twisted.internet.task import Clock

from ocsd.bus.encoding import json_safe
from ocsd.bus.wamp import ComponentConfig
from ocsd.ocs_agent import OCSAgent
from ocsd.reactor import threads
from ocsd.reactor.threads import use_reactor
from ocsd.registry.agent import OPERATIONS_FEED, Registry

AT = 1_795_328_225.0


class Site:
    """A registry without a router, its clocks, and what it published."""

    def __init__(self, clock):
        self.clock = clock
        self.read = 0
        use_reactor(self.clock)
        args = SimpleNamespace(instance_id="registry", address_root="observatory")
        self.agent = OCSAgent(
            ComponentConfig("test_realm", {}),
            args,
            address="observatory.registry",
            class_name="RegistryAgent",
        )
        self.registry = Registry(
            self.agent, 30.0, lambda: AT + self.clock.seconds(), self.clock.seconds
        )
        self.session = SimpleNamespace(data={}, status="running", set_status=lambda status: None)

    def start(self):
        return self.registry.main(self.session, {"test_mode": False})

    def beat(self, name="thermo1", **codes):
        address = f"observatory.{name}"
        self.registry.receive([codes, {"agent_address": address, "agent_class": "Lakeshore"}])

    def published(self):
        """Return the messages since the last call, as (block name, codes)."""
        self.clock.advance(0.11)  # the feed collects for 0.1 s
        messages = []
        for kept in self.agent.feeds[OPERATIONS_FEED].spool.messages(self.read):
            self.read = kept.number + 1
            blocks = kept.message.items()
            messages += [(name, list(block["data"].values())) for name, block in blocks]
        return messages


@pytest.fixture(autouse=True)
def own_reactor_afterwards():
    yield
    use_reactor(None)


@pytest.fixture
def clock():
    clock = Clock()
    threads.use_reactor(clock)
    yield clock
    threads.use_reactor(None)
    assert clock.getDelayedCalls() == []


@pytest.fixture
def site(clock):
    site = Site(clock)
    ended = site.start()
    assert site.published() == [
        ("observatory_registry_main", [[1]]),
        ("observatory_registry_register_agent", [[1]]),
    ]
    yield site
    site.registry.stop_main(site.session, {})
    assert ended.called
    site.published()


def test_the_registry_lists_itself_and_does_not_expire(site):
    site.clock.pump([1.0] * 20)
    assert site.session.data["observatory.registry"]["expired"] is False
    assert site.session.data["observatory.registry"]["agent_class"] == "RegistryAgent"


def test_a_change_is_published_at_once_and_only_once(site):
    site.beat(acq=3)
    assert site.published() == [("observatory_thermo1_acq", [[3]])]
    site.beat(acq=3)
    assert site.published() == []


def test_of_an_agent_only_the_operations_that_change_are_published(site):
    site.beat(acq=3, init=1)
    assert len(site.published()) == 2
    site.beat(acq=5, init=1)
    assert site.published() == [("observatory_thermo1_acq", [[5]])]


def test_everything_is_published_every_thirty_seconds(site):
    site.beat(acq=3)
    site.published()
    count = 0
    for _ in range(95):
        site.clock.advance(1.0)
        site.beat(acq=3)
        count += ("observatory_thermo1_acq", [[3]]) in site.published()
    assert count == 3


def test_an_expired_agent_is_published_with_code_seven_and_the_moment_stays(site):
    site.beat("fake-data1", acq=3)
    site.published()
    site.clock.pump([1.0] * 10)
    assert ("observatory_fake_data1_acq", [[7]]) in site.published()
    entry = site.session.data["observatory.fake-data1"]
    assert entry["expired"] is True
    assert entry["op_codes"] == {"acq": 7}
    assert AT + 5 < entry["time_expired"] < AT + 7
    site.clock.pump([1.0] * 3)
    assert site.session.data["observatory.fake-data1"]["time_expired"] == entry["time_expired"]


def test_hostile_heartbeats_are_ignored(site):
    for pair in (None, [], [1], [1, 2], [{"a": "x"}, {"agent_address": "observatory.x"}]):
        site.registry.receive(pair)
    site.clock.advance(1.0)
    assert site.session.data["observatory.x"]["op_codes"] == {}


def test_a_stop_before_the_start_is_heeded(clock):
    site = Site(clock)
    site.session.status = "stopping"
    assert site.start().called
    site.published()


def test_a_client_gets_all_agents_as_they_are_when_it_asks(site):
    site.beat(acq=3)
    site.beat(acq=5)
    data = json_safe(site.session.data)
    assert data["observatory.thermo1"]["op_codes"] == {"acq": 5}
    site.registry.stop_main(site.session, {})
    site.beat(acq=7)
    assert site.session.data["observatory.thermo1"]["op_codes"] == {"acq": 5}
    site.start()
