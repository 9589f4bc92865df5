"""Requests of an agent to the router outlive the connection."""

import threading

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from ocsd.bus.wamp import ApplicationError, SubscribeOptions, TransportLost


class Granted:
    active = True


class Link:
    """A connection that grants what is asked, unless the test says otherwise."""

    session_details = "details of the session"
    attached = True

    def is_attached(self):
        return self.attached

    def __init__(self, refuses=(), mute=()):
        self.refuses = refuses
        self.mute = mute
        self.pending = []
        self.asked = []
        self.published = []

    def subscribe(self, handler, topic, options=None):
        self.asked.append(("subscribe", topic, options))
        return self._answer(topic)

    def register(self, endpoint, procedure, options=None):
        self.asked.append(("register", procedure, options))
        return self._answer(procedure)

    def call(self, procedure, *args, **kwargs):
        self.asked.append(("call", procedure, args, kwargs))
        return self._answer(procedure)

    def publish(self, topic, message):
        self.published.append(topic)

    def _answer(self, address):
        if address in self.mute:
            self.pending.append(Deferred())
            return self.pending[-1]
        if address in self.refuses:
            return fail(ApplicationError("wamp.error.not_authorized", "no"))
        return succeed(Granted())


@pytest.fixture
def joined(agent, reactor):
    """Join and lose connections as the connection does."""
    links = []

    def join(**options):
        if links:
            agent.detach()
        links.append(Link(**options))
        agent.attach(links[-1])
        return links[-1]

    yield join
    agent.detach()


def asked(link):
    return [(what, address) for what, address, *_ in link.asked]


def test_subscriptions_and_procedures_are_made_each_time(agent, joined):
    agent.subscribe_on_start(print, "a.feeds.b")
    first = joined()
    agent.subscribe(print, "a..feeds.", options={"match": "wildcard"})
    agent.subscribe_to_feed("root.thermo", "temps", print)
    agent.register(print, "root.poll")
    everything = [
        ("subscribe", "a.feeds.b"),
        ("subscribe", "a..feeds."),
        ("subscribe", "root.thermo.feeds.temps"),
        ("register", "root.poll"),
    ]
    assert asked(first) == everything
    second = joined()
    assert asked(second) == everything
    assert second.asked[1][2].match == "wildcard"
    # The router may still hold the registration of the lost connection.
    assert first.asked[3][2] is None
    assert second.asked[3][2].force_reregister is True
    assert agent.subscribed_topics == {"a.feeds.b", "a..feeds.", "root.thermo.feeds.temps"}


def test_addresses_are_taken_from_a_dead_predecessor(agent, joined):
    agent.register(print, "observatory.thermo1.poll")
    assert joined().asked[0][2].force_reregister is True


def test_a_topic_is_subscribed_once_unless_forced(agent, joined):
    link = joined()
    assert isinstance(agent.subscribe(print, "a"), Deferred)
    assert agent.subscribe(print, "a") is False
    assert isinstance(agent.subscribe(print, "a", force_subscribe=True), Deferred)
    assert asked(link) == [("subscribe", "a")] * 2


def test_what_is_asked_before_joining_is_granted_then(agent, joined):
    granted = []
    agent.subscribe(print, "a", options=SubscribeOptions(match="prefix")).addCallback(
        granted.append
    )
    agent.register(print, "p").addCallback(granted.append)
    assert granted == []
    joined()
    assert [type(each) for each in granted] == [Granted, Granted]


def test_a_refusal_reaches_who_asked_and_is_not_asked_again(agent, joined):
    joined(refuses=("a", "p"))
    errors = []
    agent.subscribe(print, "a").addErrback(lambda f: errors.append(f.value.error))
    agent.register(print, "p").addErrback(lambda f: errors.append(f.value.error))
    assert errors == ["wamp.error.not_authorized"] * 2
    assert joined().asked == []


def test_a_refused_topic_can_be_subscribed_again(agent, joined):
    joined(refuses=("a",))
    agent.subscribe(print, "a").addErrback(lambda failure: None)
    joined()
    assert isinstance(agent.subscribe(print, "a"), Deferred)


@pytest.mark.parametrize(
    "error",
    [TransportLost("gone"), ApplicationError("wamp.close.transport_lost", "gone")],
)
def test_requests_unanswered_when_the_router_went_are_repeated(agent, joined, error):
    link = joined(mute=("a",))
    granted = []
    agent.subscribe(print, "a").addCallback(granted.append)
    link.attached = False
    link.pending[0].errback(error)
    assert granted == []
    assert asked(joined()) == [("subscribe", "a")]
    assert len(granted) == 1


def test_what_its_author_gave_up_is_not_asked_again(agent, joined):
    joined()
    granted = []
    agent.subscribe(print, "a").addCallback(granted.append)
    agent.register(print, "p").addCallback(granted.append)
    for each in granted:
        each.active = False  # as autobahn's unsubscribe() and unregister() do
    assert joined().asked == []


def test_authors_hooks_run_on_joining_and_on_losing_the_router(agent, joined):
    events = []
    for event in ("join", "ready", "leave", "disconnect"):
        agent.on(event, lambda *args, event=event: events.append(event))
    agent.onJoin = lambda details: events.append(details)
    agent.onLeave = lambda details: events.append(details.reason)
    agent.onDisconnect = lambda: events.append("onDisconnect")
    joined()
    agent.detach()
    assert events == [
        "details of the session",
        "join",
        "ready",
        "wamp.close.transport_lost",
        "leave",
        "onDisconnect",
        "disconnect",
    ]
    agent.detach()
    assert len(events) == 7


def test_a_hook_that_raises_does_not_keep_the_agent_from_joining(agent, joined):
    ran = []

    def broken(*args):
        raise ValueError("not mine")

    agent.onJoin = broken
    agent.on("join", broken)
    agent.register_task("init", lambda s, p: ran.append(p) or (True, ""), startup={"a": 1})
    link = joined()
    joined()
    assert ran == [{"a": 1}]
    assert link.published == ["observatory.thermo1.feeds.heartbeat"]


def test_an_operation_of_another_agent_is_called(agent, joined):
    link = joined(refuses=("root.b.ops",))
    answers = []
    agent.call_op("root.a", "acq", "start", params={"x": 1}).addCallback(answers.append)
    agent.call_op("root.b", "acq", "status").addCallback(answers.append)
    assert isinstance(answers[0], Granted)
    assert answers[1] is False
    assert link.asked[0] == (
        "call",
        "root.a.ops",
        ("start", "acq"),
        {"params": {"x": 1}, "timeout": None},
    )


def test_without_a_router_a_call_is_answered_with_false(agent):
    answers = []
    agent.call_op("root.a", "acq", "start").addCallback(answers.append)
    assert answers == [False]
    with pytest.raises(TransportLost):
        agent.call("root.a")


def test_every_method_may_be_called_from_a_worker_thread(agent, joined):
    link = joined()
    results = {}

    def work():
        agent.register_task("op", lambda s, p: (True, "done"))
        results["start"] = agent.start("op")
        results["status"] = agent.status("op")
        results["stop"] = agent.stop("op")
        results["abort"] = agent.abort("op")
        results["call_op"] = agent.call_op("root.a", "acq", "start")
        agent.wait("op").addCallback(lambda reply: results.update(wait=reply))
        agent.subscribe(print, "a").addCallback(lambda made: results.update(subscribe=made))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(10)
    codes = {name: results[name][0] for name in ("start", "status", "stop", "abort", "wait")}
    assert codes == {"start": 0, "status": 0, "stop": -1, "abort": -1, "wait": 0}
    assert isinstance(results["call_op"], Granted)
    assert isinstance(results["subscribe"], Granted)
    assert ("subscribe", "a") in asked(link)
