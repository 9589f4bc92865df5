"""A router that another program runs is not reachable: the status says so."""

from types import SimpleNamespace

import pytest
from twisted.internet.error import ConnectionRefusedError
from twisted.python.failure import Failure

from ocsd.cli.commands.look import status
from ocsd.daemon.api.status import StatusReport
from ocsd.daemon.builtin.router import ExternalRouter
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.targets import Targets
from ocsd.site.model import Hub
from ocsd.status import replies
from ocsd.system.paths import of_host
from tests.unit.daemon.timers import cancel_timers

HUB = Hub(wamp_server="ws://hub:8001/ws")


class Reactor:
    """Time, and a router that answers or refuses."""

    def __init__(self, clock):
        self.seconds, self.callLater = clock.seconds, clock.callLater
        self.answers = True
        self.asked = []

    def connectTCP(self, host, port, factory):
        self.asked.append((host, port))
        if not self.answers:
            factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
            return
        talk = factory.buildProtocol(None)
        written = []
        talk.makeConnection(
            SimpleNamespace(write=written.append, abortConnection=lambda: talk.connectionLost())
        )
        assert written[0].startswith(b"GET /ws HTTP/1.1")
        talk.dataReceived(b"HTTP/1.1 101 Switching")
        return


@pytest.fixture
def reactor(clock):
    yield Reactor(clock)
    cancel_timers(clock)


def test_it_is_away_after_ten_seconds_and_back_with_the_first_answer(reactor, clock):
    router = ExternalRouter(HUB, reactor)
    router.start()
    clock.pump([5.0] * 4)
    assert (router.away_s, reactor.asked[0]) == (0.0, ("hub", 8001))
    reactor.answers = False
    clock.pump([5.0] * 2)
    assert router.away_s == 0.0
    clock.pump([5.0] * 3)
    assert 10.0 <= router.away_s <= 25.0
    reactor.answers = True
    clock.advance(5.0)
    assert router.away_s == 0.0


@pytest.mark.parametrize(
    ("away_s", "code", "word"), [(0.0, 0, "external"), (20.4, 3, "external, not reachable")]
)
def test_the_status_says_it_and_its_exit_code_too(tmp_path, away_s, code, word):
    fleet = Fleet(Targets(tmp_path / "targets.json"))
    places = of_host("lab")
    report = StatusReport(
        "lab", "site.yaml", 1, 0.0, HUB, places, fleet, router_away_s=lambda: away_s
    )
    told = replies.host_status(report.as_json())
    assert (status.exit_code(told), told.router.word) == (code, word)
    if away_s:
        assert told.router.reason.endswith("is not reachable for 20 s")
