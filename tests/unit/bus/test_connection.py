"""An agent stays joined, and a client joins within its time; over transports of this test."""

import functools
from argparse import Namespace

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionRefusedError as NoRouterError
from twisted.internet.task import Clock

from ocsd.bus.connection import Connection, check_url
from ocsd.bus.endpoint import RouterAddress
from ocsd.bus.wamp import ApplicationError, TransportLost
from ocsd.client.joining import Joining
from ocsd.errors import AgentArgumentsError
from ocsd.reactor import threads

URL = "ws://hub:8001/ws"
WAITING = f"waiting for the router at {URL}:"


class Transport:
    """An open transport and its protocol, which closes when it is dropped."""

    def __init__(self):
        self.transport = self
        self.is_closed = Deferred()
        self.dropped = False

    def abortConnection(self):
        self.dropped = True
        self.close()

    def loseConnection(self):
        self.abortConnection()

    def close(self, why=None):
        self.wasNotCleanReason = why
        if not self.is_closed.called:
            self.is_closed.callback(self)


class Router:
    """Opens transports when the test says so."""

    def __init__(self):
        self.openings = []
        self.transports = []
        self.cancelled = []

    def connect(self, address):
        self.openings.append(Deferred(self.cancelled.append))
        return self.openings[-1]

    def accept(self):
        self.transports.append(Transport())
        self.openings[-1].callback(self.transports[-1])
        return self.transports[-1]

    def reject(self, text="Connection refused"):
        self.openings[-1].errback(NoRouterError(string=text))


def at(router, kind):
    """Return a kind of connection that opens its transports at a router of this test."""
    return type(kind.__name__, (kind,), {"connect": lambda self, address: router.connect(address)})


class Link:
    """The session on a transport; answers registrations and calls as the test says."""

    def __init__(self, transport, refusal=None, holder=None):
        self.transport = transport
        self.refusal = refusal
        self.holder = holder
        self.options = None
        self.left = False

    def register(self, endpoint, procedure, options):
        self.options = options
        if self.refusal:
            return fail(ApplicationError(self.refusal, "as the test says"))
        return succeed(None)

    def call(self, address, question):
        return self.holder or fail(TransportLost("no answer"))

    def is_connected(self):
        return not self.transport.is_closed.called

    is_attached = is_connected

    def leave(self):
        self.left = True
        self.transport.close()


class Agent:
    """Records what its connection does with it."""

    agent_address = "observatory.thermo1"

    def __init__(self):
        self.log = self
        self.lines = []
        self.link = None

    def info(self, text, **fields):
        self.lines.append(text.format(**fields))

    warn = info

    def procedures(self):
        return {self.agent_address: print, f"{self.agent_address}.ops": print}

    def attach(self, link):
        self.link = link
        return succeed(None)

    def detach(self):
        link, self.link = self.link, None
        return link


@pytest.fixture
def clock():
    clock = Clock()
    threads.use_reactor(clock)
    yield clock
    threads.use_reactor(None)
    assert clock.getDelayedCalls() == []


@pytest.fixture
def router():
    return Router()


@pytest.fixture
def agent():
    return Agent()


@pytest.fixture
def given_up():
    return []


@pytest.fixture
def connection(agent, router, clock, given_up):
    connection = at(router, Connection)(
        agent,
        Namespace(site_hub=URL, site_realm="lab"),
        give_up_s=600.0,
        on_give_up=lambda: given_up.append(clock.seconds()),
        jitter=lambda: 0.5,
    )
    connection.start()
    yield connection
    connection.stop()
    clock.advance(60)


@pytest.fixture
def join(router, connection):
    """Open a transport and join on it."""

    def join(**answers):
        link = Link(router.accept(), **answers)
        connection.link_joined(link)
        return link

    return join


def test_an_agent_joins_again_after_each_loss(agent, connection, router, join, clock):
    assert connection.reason == f"waiting for the router at {URL}"
    for count in (1, 2, 3):
        link = join()
        assert (connection.joined, connection.reason, agent.link) == (True, "", link)
        router.transports[-1].close()
        assert connection.reason == f"{WAITING} the connection was lost"
        assert (connection.joined, agent.link) == (False, None)
        clock.advance(0.02)
        assert len(router.openings) == count + 1
    assert agent.lines[:2] == [
        f"joined realm lab at {URL} as observatory.thermo1",
        f"{WAITING} the connection was lost",
    ]


def test_attempts_without_a_router_get_rarer(connection, router, clock):
    for delay_s in (0.02, 0.04, 0.08, 0.16):
        router.reject()
        assert connection.reason == f"{WAITING} Connection refused"
        before = len(router.openings)
        clock.advance(delay_s - 0.001)
        assert len(router.openings) == before
        clock.advance(0.002)
        assert len(router.openings) == before + 1


@pytest.mark.parametrize(
    ("path", "missing"), [(None, False), ("\0rehearsal", False), ("/", False), ("/nowhere", True)]
)
def test_only_a_socket_in_the_file_system_can_be_missing(path, missing):
    assert RouterAddress(URL, "realm", path).is_missing is missing


def test_a_router_that_does_not_answer_is_left_after_a_time(connection, router, clock):
    transport = router.accept()
    clock.advance(14.9)
    assert not transport.dropped
    clock.advance(0.1)
    assert transport.dropped
    assert connection.reason == f"the router at {URL} did not answer within 15 s"
    clock.advance(0.02)
    assert len(router.openings) == 2


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (
            ("wamp.error.no_such_realm", ""),
            f"the router at {URL} has no realm 'lab'; correct wamp_realm in the site file or "
            "the router's configuration",
        ),
        (
            ("wamp.error.no_auth_method", "no ticket"),
            f"the router at {URL} refused the session: wamp.error.no_auth_method no ticket",
        ),
        (("wamp.close.goodbye_and_out", ""), f"{WAITING} the connection was closed"),
    ],
)
def test_a_session_that_the_router_ends_is_tried_again(connection, router, clock, end, reason):
    connection.link_left(Link(router.accept()), *end)
    assert router.transports[0].dropped
    assert connection.reason == reason
    clock.advance(0.02)
    assert len(router.openings) == 2


TAKEN = "wamp.error.procedure_already_exists"


def test_the_holder_of_the_address_is_named(connection, router, join):
    join(refusal=TAKEN, holder=succeed({"instance_pid": 7, "instance_hostname": "pi4"}))
    assert connection.reason.startswith(
        "'observatory.thermo1' is registered by another process: pid 7 on pi4; stop it"
    )
    assert router.transports[0].dropped
    assert not connection.state.force


def test_an_address_is_taken_from_an_own_dead_connection(connection, router, join, clock):
    join(refusal=TAKEN)
    assert connection.reason.endswith("is registered by a process that does not answer")
    clock.advance(1)
    assert join().options.force_reregister is None
    router.transports[-1].close()
    clock.advance(1)
    join(refusal=TAKEN)
    clock.advance(1)
    assert join().options.force_reregister is True


def test_a_holder_that_answers_after_the_loss_changes_nothing(connection, router, join, clock):
    answer = Deferred()
    join(refusal=TAKEN, holder=answer)
    router.transports[0].close("peer went away")
    clock.advance(0.02)
    answer.callback(None)
    assert connection.reason == f"{WAITING} peer went away"
    assert not router.accept().dropped


def test_an_address_that_is_taken_away_is_asked_for_again(connection, router, join, clock):
    link = join()
    connection.link_unregistered(link)
    assert connection.reason == "another process has taken over the address observatory.thermo1"
    assert router.transports[0].dropped
    clock.advance(0.02)
    join()
    assert connection.joined


def test_a_refused_permission_says_what_to_change(connection, join):
    join(refusal="wamp.error.not_authorized")
    assert "does not let this agent register 'observatory.thermo1'; make" in connection.reason


def test_after_the_time_limit_no_more_attempts_are_made(connection, router, clock, given_up):
    router.reject()
    clock.advance(601)
    assert given_up == []
    router.reject()
    clock.advance(600)
    assert given_up == [601]
    assert len(router.openings) == 2


def test_an_agent_that_stops_says_goodbye_and_stays_away(connection, router, join, clock):
    link = join()
    connection.stop()
    assert link.left
    clock.advance(60)
    assert len(router.openings) == 1


def test_an_agent_that_stops_while_it_connects_cancels_that(connection, router, clock):
    connection.stop()
    assert router.cancelled == router.openings
    clock.advance(60)
    assert len(router.openings) == 1


# A client.


@pytest.fixture
def events():
    return []


@pytest.fixture
def joining(router, clock, events):
    address = RouterAddress(URL, "lab")
    lost = functools.partial(events.append, "lost")
    return at(router, Joining)(address, object, lost, events.append)


def test_a_client_tries_twice_a_second_until_its_time_is_over(joining, router, clock, events):
    joining.start(1.2)
    for _ in range(2):
        router.reject()
        clock.advance(0.5)
    clock.advance(0.2)
    assert len(router.openings) == 3
    assert events == [f"no router at {URL}: Connection refused"]


def test_a_client_that_has_joined_has_no_time_limit_any_more(joining, router, clock, events):
    joining.start(1.0)
    router.accept()
    joining.session_joined()
    clock.advance(60)
    assert events == []
    router.transports[0].close()
    clock.advance(60)
    assert (events, len(router.openings)) == (["lost"], 1)


def test_a_client_may_start_again_when_it_is_lost(joining, router, clock, events):
    joining.start(None)
    for count in (1, 2, 3):
        router.accept()
        joining.session_joined()
        router.transports[-1].close()
        joining.start(None)
        assert len(router.openings) == count + 1
    assert events == ["lost"] * 3


def test_a_refused_client_ends_at_once(joining, router, clock, events):
    joining.start(10.0)
    router.accept()
    joining.session_refused("wamp.error.no_such_realm")
    assert events == [f"no router at {URL}: wamp.error.no_such_realm"]
    assert router.transports[0].dropped


def test_a_client_leaves_a_router_that_does_not_answer(joining, router, clock, events):
    joining.start(10.4)
    router.accept()
    clock.advance(10.0)
    assert router.transports[0].dropped
    clock.advance(0.4)
    assert events == [f"no router at {URL}: it accepts connections but does not answer"]


@pytest.mark.parametrize("url", ["http://localhost:8001", None, "localhost", "ws://"])
def test_what_is_no_router_address_is_refused(url):
    with pytest.raises(AgentArgumentsError, match="wamp_server"):
        check_url(url)
