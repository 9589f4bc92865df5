"""Which local feeds nobody but the recorder hears, and when their agents are told."""

from types import SimpleNamespace

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from ocsd.access import rules as meta
from ocsd.aggregator.local.listeners import BOARD_RETRY_S, Listeners
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.bus.unheard import UnheardBoard, UnheardFeeds
from ocsd.bus.wamp import ApplicationError
from tests.unit.aggregator.rig import Lines

TEMPS = "observatory.thermo1.feeds.temps"
ME, OTHER = 1, 2


class Router:
    """A link to a router, and what its meta API tells."""

    def __init__(self):
        self.session_details = SimpleNamespace(session=ME)
        self.tables = {5: ("observatory..feeds.", "wildcard", [ME])}
        self.handlers = {}
        self.calls = []
        self.before_answer = lambda: None

    def sessions(self):
        return {session for *_, sessions in self.tables.values() for session in sessions}

    def subscribe(self, handler, topic):
        self.handlers[topic] = handler
        return succeed(None)

    def call(self, procedure, number=None):
        self.calls.append(procedure)
        if procedure == meta.SESSIONS:
            return succeed([*self.sessions(), 77])
        if procedure == meta.SUBSCRIPTIONS:
            return self.listed(number)
        if number not in self.tables:
            return fail(ApplicationError("wamp.error.no_such_subscription"))
        uri, match, sessions = self.tables[number]
        if procedure == meta.SUBSCRIPTION:
            return succeed({"id": number, "uri": uri, "match": match})
        return succeed(sessions)

    def listed(self, session):
        if session not in self.sessions():
            return fail(ApplicationError("wamp.error.no_such_session"))
        kinds = {"exact": [], "prefix": [], "wildcard": []}
        for number, (_, match, sessions) in self.tables.items():
            if session in sessions:
                kinds[match].append(number)
        self.before_answer()
        return succeed(kinds)

    def subscribe_other(self, number=9):
        self.tables[number] = TEMPS, "exact", [OTHER]
        details = {"id": number, "uri": TEMPS, "match": "exact"}
        self.handlers[meta.ON_CREATE](OTHER, details)
        self.handlers[meta.ON_SUBSCRIBE](OTHER, number)

    def unsubscribe_other(self, number=9):
        del self.tables[number]
        self.handlers[meta.ON_UNSUBSCRIBE](None, number)  # as crossbar tells it of ended sessions
        self.handlers[meta.ON_DELETE](None, number)


class Scene:
    def __init__(self, folder):
        self.now_s = 1000.0
        self.keys = {SourceKey(TEMPS, "1.5")}
        self.log = Lines()
        self.router = Router()
        self.listeners = Listeners(folder, lambda: self.keys, self.log, lambda: self.now_s)
        self._folder = folder

    def is_heard(self):
        return not UnheardFeeds(self._folder).has(TEMPS, "1.5")


@pytest.fixture
def scene(tmp_path):
    scene = Scene(tmp_path)
    yield scene
    scene.listeners.close()


def test_a_feed_is_unheard_until_somebody_subscribes_and_again_afterwards(scene):
    scene.listeners.joined(scene.router)
    assert not scene.is_heard()
    scene.router.subscribe_other()
    assert scene.is_heard()
    scene.router.unsubscribe_other()
    assert not scene.is_heard()


def test_an_end_that_is_told_of_a_subscription_of_others_too_changes_nothing(scene):
    scene.listeners.joined(scene.router)
    scene.router.subscribe_other()
    scene.router.handlers[meta.ON_DELETE](None, 9)
    assert scene.is_heard()


def test_a_feed_with_an_earlier_subscriber_is_heard(scene):
    scene.router.tables[9] = TEMPS, "exact", [OTHER]
    scene.listeners.joined(scene.router)
    assert scene.is_heard()


def test_another_who_shares_our_subscription_hears_the_feed(scene):
    scene.listeners.joined(scene.router)
    scene.router.handlers[meta.ON_SUBSCRIBE](OTHER, 5)
    assert scene.is_heard()


def test_a_source_is_unheard_only_while_it_is_read_from_its_spool(scene):
    scene.keys.clear()
    scene.listeners.joined(scene.router)
    assert scene.is_heard()
    scene.keys.add(SourceKey(TEMPS, "1.5"))
    scene.listeners.step()
    assert not scene.is_heard()
    scene.keys.clear()
    scene.listeners.step()
    assert scene.is_heard()


@pytest.mark.parametrize("end", ["left", "close"])
def test_without_router_or_recording_everything_is_heard(scene, end):
    scene.listeners.joined(scene.router)
    getattr(scene.listeners, end)()
    assert scene.is_heard()
    scene.listeners.joined(scene.router)
    assert not scene.is_heard()


def test_what_changes_while_the_router_is_asked_is_not_missed(scene):
    def meanwhile():
        scene.router.before_answer = lambda: None
        scene.router.subscribe_other()

    scene.router.before_answer = meanwhile
    scene.listeners.joined(scene.router)
    assert scene.is_heard()


def test_a_subscription_that_ends_while_the_router_is_asked_is_left_out(scene):
    scene.router.tables[9] = TEMPS, "exact", [OTHER]
    scene.router.before_answer = lambda: scene.router.tables.pop(9, None)
    scene.listeners.joined(scene.router)
    assert not scene.is_heard()


def test_subscriptions_to_other_feeds_make_nothing_heard(scene):
    scene.listeners.joined(scene.router)
    details = {"id": 78, "uri": "observatory.thermo2.feeds.temps", "match": "exact"}
    scene.router.handlers[meta.ON_CREATE](OTHER, details)
    assert not scene.is_heard()


def test_a_source_that_comes_later_is_judged_without_another_question(scene):
    scene.keys.clear()
    scene.router.tables[9] = TEMPS, "exact", [OTHER]
    scene.listeners.joined(scene.router)
    asked = len(scene.router.calls)
    scene.keys.add(SourceKey(TEMPS, "1.5"))
    scene.listeners.step()
    assert scene.is_heard()
    assert len(scene.router.calls) == asked


def test_a_router_that_does_not_tell_who_subscribes_gets_everything(scene):
    refusal = ApplicationError("wamp.error.not_authorized")
    scene.router.call = lambda *_: fail(refusal)
    scene.listeners.joined(scene.router)
    scene.listeners.step()
    assert scene.is_heard()
    [line] = scene.log.lines
    assert "the router does not tell who subscribes (wamp.error.not_authorized)" in line


def test_nothing_is_asked_before_changes_are_heard(scene):
    waiting = Deferred()
    scene.router.subscribe = lambda *_: waiting
    scene.listeners.joined(scene.router)
    scene.listeners.step()
    assert scene.router.calls == []
    assert scene.is_heard()


def test_an_answer_of_a_router_that_was_left_counts_for_nothing(scene):
    waiting = Deferred()
    scene.router.call = lambda *_: waiting
    scene.listeners.joined(scene.router)
    scene.listeners.left()
    waiting.callback({})
    scene.listeners.step()
    assert scene.is_heard()


def test_another_recorder_of_the_host_is_told_and_everything_is_heard(scene, tmp_path):
    other = UnheardBoard(tmp_path)
    scene.listeners.joined(scene.router)
    assert scene.is_heard()
    assert str(tmp_path) in scene.log.lines[0]
    other.close()
    scene.now_s += BOARD_RETRY_S
    scene.listeners.step()
    assert not scene.is_heard()


def test_a_recorder_without_spools_asks_nothing():
    router = Router()
    Listeners(None, set, Lines()).joined(router)
    assert router.calls == []
