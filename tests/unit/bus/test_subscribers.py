"""Following the subscriptions at a router, with crossbar's ways of telling them."""

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from ocsd.access import rules as meta
from ocsd.bus.subscribers import SubscriptionWatch
from ocsd.bus.subscriptions import TopicPattern
from ocsd.bus.wamp import ApplicationError, TransportLost

ALL = TopicPattern("observatory..feeds.", "wildcard")
ONE = TopicPattern("observatory.a.feeds.b", "exact")
RECORDER, VIEWER, OTHER = 1, 2, 3
META = TopicPattern(meta.ON_DELETE, "exact")
PROTECTED = ApplicationError(
    "wamp.error.not_authorized", message=f'not authorized for protected URI "{meta.ON_DELETE}"'
)
NO_SUCH_SUBSCRIPTION = ApplicationError("wamp.error.no_such_subscription")


class Router:
    """What a router has, and how it tells it."""

    def __init__(self):
        self.tables = {5: (ALL, {RECORDER, VIEWER}), 6: (ONE, {VIEWER}), 4: (META, {OTHER})}
        self.sessions = [RECORDER, VIEWER, OTHER]
        self.handlers = {}
        self.faults = {}
        self.waiting = {}

    def subscribe(self, handler, topic):
        self.handlers[topic] = handler
        return succeed(None)

    def call(self, procedure, number=None):
        if procedure in self.waiting:
            answer = self.waiting[procedure]
            answer.addCallback(lambda _: self.answer(procedure, number))
            return answer
        return self.answer(procedure, number)

    def answer(self, procedure, number):
        if procedure in self.faults:
            return fail(self.faults[procedure])
        if procedure == meta.SESSIONS:
            return succeed(self.sessions)
        if procedure == meta.SUBSCRIPTIONS:
            return self.list(number)
        if number not in self.tables:
            return fail(NO_SUCH_SUBSCRIPTION)
        pattern, sessions = self.tables[number]
        if pattern == META:
            return fail(PROTECTED)
        if procedure == meta.SUBSCRIPTION:
            return succeed({"id": number, **pattern._asdict()})
        return succeed(list(sessions))

    def list(self, session):
        kinds = {"exact": [], "prefix": [], "wildcard": []}
        for number, (pattern, sessions) in self.tables.items():
            if session in sessions:
                kinds[pattern.match].append(number)
        if not any(kinds.values()):
            return fail(ApplicationError("wamp.error.no_such_session"))
        return succeed(kinds)

    def end_session(self, ended):
        """End a session as crossbar does: what it tells of its last subscription, it tells of all.

        It publishes both events after the session has lost its number.
        """
        had = [number for number, (_, sessions) in self.tables.items() if ended in sessions]
        for number in had:
            self.tables[number][1].discard(ended)
            was_deleted = not self.tables[number][1]
            if was_deleted:
                del self.tables[number]
        for number in had:
            self.handlers[meta.ON_UNSUBSCRIBE](None, number)
            if was_deleted:
                self.handlers[meta.ON_DELETE](None, number)


class Scene:
    def __init__(self):
        self.router = Router()
        self.told = []
        self.failures = []
        self.watch = SubscriptionWatch(self.router, self.changed, self.failures.append)

    def changed(self, watch):
        self.told.append(self.wanted())

    def wanted(self, besides=()):
        return self.watch.known.wanted(besides)


@pytest.fixture
def scene():
    return Scene()


def test_all_is_known_before_it_is_told(scene):
    scene.watch.start()
    assert scene.watch.is_complete
    assert scene.told == [{ALL, ONE}]
    assert scene.wanted({VIEWER}) == {ALL}


def test_a_subscription_of_others_outlives_a_session_of_which_another_one_ends(scene):
    """crossbar tells the end of both."""
    scene.watch.start()
    scene.router.end_session(VIEWER)
    assert scene.wanted() == {ALL}


def test_the_end_of_a_subscription_is_seen_though_crossbar_does_not_tell_it(scene):
    scene.router.tables = {6: (ONE, {VIEWER}), 5: (ALL, {RECORDER, VIEWER})}
    scene.watch.start()
    scene.router.end_session(VIEWER)
    assert scene.wanted() == {ALL}


def test_a_subscription_that_only_sessions_have_that_joined_meanwhile_is_found(scene):
    scene.router.sessions = [OTHER]
    scene.watch.start()
    scene.router.handlers[meta.ON_SUBSCRIBE](VIEWER, 6)
    assert scene.wanted() == {ONE}


def test_a_new_subscription_is_told(scene):
    scene.watch.start()
    other = TopicPattern("observatory.", "prefix")
    scene.router.handlers[meta.ON_CREATE](OTHER, {"id": 7, **other._asdict()})
    scene.router.handlers[meta.ON_SUBSCRIBE](OTHER, 7)
    assert scene.wanted() == {ALL, ONE, other}
    assert len(scene.told) == 3


def test_what_ends_while_the_router_is_asked_is_not_known(scene):
    asked = scene.router.waiting[meta.SUBSCRIBERS] = Deferred()
    del scene.router.tables[5]
    scene.watch.start()
    del scene.router.tables[6]
    asked.callback(None)
    assert scene.watch.is_complete
    assert scene.wanted() == frozenset()


@pytest.mark.parametrize(
    "procedure", [meta.SESSIONS, meta.SUBSCRIPTIONS, meta.SUBSCRIPTION, meta.SUBSCRIBERS]
)
@pytest.mark.parametrize(
    "fault", [ApplicationError("wamp.error.not_authorized"), TransportLost("gone")]
)
def test_a_router_that_does_not_tell_is_a_failure(scene, procedure, fault):
    scene.router.faults[procedure] = fault
    scene.watch.start()
    assert [each.value for each in scene.failures] == [fault]
    assert not scene.watch.is_complete
    assert scene.told == []


def test_a_router_that_tells_no_longer_is_a_failure(scene):
    scene.watch.start()
    scene.router.faults[meta.SUBSCRIBERS] = ApplicationError("wamp.error.not_authorized")
    scene.router.handlers[meta.ON_DELETE](None, 5)
    assert len(scene.failures) == 1
    assert not scene.watch.is_complete
