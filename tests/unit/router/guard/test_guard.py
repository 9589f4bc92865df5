"""The guard goes on, whatever fails."""

from types import SimpleNamespace

import pytest
from twisted.internet.task import Clock

from ocsd.access.making import make_site
from ocsd.access.records import Person
from ocsd.access.rules import Party
from ocsd.access.store import AccessStore
from ocsd.router.guard import sessions
from ocsd.router.guard.door import Admitted
from ocsd.router.guard.facts import GuardFacts
from ocsd.router.guard.guard import Guard
from ocsd.router.guard.requests import Judgement, _peer_of
from ocsd.router.guard.sessions import applicant, limit_sizes


class Reactor(Clock):
    def callWhenRunning(self, *_args, **_kwargs):
        pass


class Transport:
    def __init__(self):
        self.transport = self
        self.aborted = False

    def abortConnection(self):
        self.aborted = True


class Session:
    def __init__(self, fault=None):
        self._transport = Transport()
        self._fault = fault

    def leave(self, *_):
        if self._fault is not None:
            raise self._fault


@pytest.fixture
def guard(tmp_path):
    tmp_path.chmod(0o700)
    make_site(tmp_path / "access", "hub", "wss://localhost:8443/ws", (), 1.0)
    facts = GuardFacts(str(tmp_path / "access"), "hub", "r", "lab", "ws", "call", True)
    (tmp_path / "router").mkdir()
    guard = Guard(facts.write(tmp_path / "router"), Reactor())
    guard.faults = []
    guard.refusals.fault = guard.faults.append
    guard.refusals._tell = lambda _: None
    return guard


def test_a_full_disk_does_not_keep_the_guard_from_ending_sessions(guard):
    def full():
        raise OSError(28, "No space left on device")

    guard.census.write = full
    store = AccessStore(guard.book.store.folder)
    store.change_people(lambda people: people.update(otto=Person("operator", "hash", 0.0)))
    guard.refresh()
    assert "No space left" in guard.faults[0]
    leaving, staying = Session(RuntimeError("already leaving")), Session()
    for session in (leaving, staying):
        guard.admit(session, Admitted(Party("otto", "operator"), basis="person otto"), "10.0.0.9")
    store.change_people(lambda people: people.pop("otto"))
    guard.refresh()
    guard._reactor.advance(1)
    for session in (leaving, staying):
        assert session.party is None
        assert session._transport.aborted


def test_an_agent_whose_login_is_withdrawn_is_called_no_more_and_breaks_no_caller():
    callee = SimpleNamespace(party=None, is_published=True)
    found = SimpleNamespace(observers=[callee])
    addresses = SimpleNamespace(best_matching_observation=lambda _: found)
    judgement = Judgement()
    judgement._dealer = SimpleNamespace(_registration_map=addresses)
    assert judgement._published_agent("lab.x.ops") is None


def test_messages_are_small_until_somebody_has_joined():
    sizes = {"maxFramePayloadSize": 2**24, "maxMessagePayloadSize": 2**24}
    transport = SimpleNamespace(factory=SimpleNamespace(**sizes), **sizes)
    limit_sizes(transport, 2**16)
    assert transport.maxFramePayloadSize == transport.maxMessagePayloadSize == 2**16
    limit_sizes(transport)
    assert transport.maxMessagePayloadSize == 2**24


def test_the_name_of_a_login_is_not_kept_at_any_length():
    class Tcp:
        @staticmethod
        def getPeer():
            return type("Address", (), {"host": "10.0.0.9"})

    assert len(applicant(Tcp, "x" * 2**20).authid) == 300


def test_the_place_of_a_client_over_http_is_reported_and_not_passed_on():
    client = {"session": 1, "authid": "vera", "authrole": "viewer", "peer": "10.0.0.9"}
    bridge, call = SimpleNamespace(_authrole="ocs-bridge"), SimpleNamespace(forward_for=[client])
    assert _peer_of(bridge, call) == "10.0.0.9"
    assert client == {"session": 1, "authid": "vera", "authrole": "viewer"}
    somebody = SimpleNamespace(_authrole="viewer", peer="10.0.0.8")
    call.forward_for = [{"peer": "forged"}]
    assert _peer_of(somebody, call) == "10.0.0.8"


def test_a_process_of_a_container_has_a_place_without_a_name(monkeypatch):
    monkeypatch.setattr(sessions, "peer_of", lambda _: SimpleNamespace(pid=0, uid=65534))
    transport = SimpleNamespace(getPeer=lambda: None, getHandle=lambda: None)
    assert applicant(transport).peer == "unix"
