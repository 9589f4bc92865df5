"""Requests for all instances: who is left out, and how they are remembered."""

import io
import json
import socket
from types import SimpleNamespace

import pytest
from twisted.internet.defer import Deferred

from ocsd.daemon.api.control import ControlApi
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.targets import Targets
from ocsd.site.model import Instance
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.supervisor.wish import WITH_ALL


class Idle:
    """Starts nothing."""

    def spawn(self, name):
        pass

    def withdraw(self, name):
        return True

    def kill(self, name, pid, number):
        pass


@pytest.fixture
def fleet(tmp_path, clock):
    fleet = Fleet(Targets(tmp_path / "targets.json"))
    fleet.launch()
    for name in ("a", "b", "c"):
        keeper = Keeper(name, Lifecycle(), Idle(), clock, lambda: 0.0, lambda: 0.0, fleet.announce)
        fleet.add(Instance(instance_id=name, agent_class="A"), keeper)
    return fleet


@pytest.fixture
def post(fleet, clock):
    """Return a function that posts a change and returns the lines of the answer so far."""
    api = ControlApi(None, fleet, clock, None, None, None, None)
    changes = api.site().resource.children[b"v1"].children[b"instances"].children
    ours, theirs = socket.socketpair()
    requests = []

    def ask(verb, body):
        written = []
        request = SimpleNamespace(
            method=b"POST",
            content=io.BytesIO(json.dumps(body).encode()),
            channel=SimpleNamespace(transport=SimpleNamespace(getHandle=lambda: ours)),
            setHeader=lambda *_: None,
            setResponseCode=lambda _: None,
            notifyFinish=lambda: gone,
            write=written.append,
            finish=lambda: None,
        )
        gone = Deferred()
        requests.append(gone)
        changes[verb.encode()].render(request)
        return [json.loads(line) for line in b"".join(written).splitlines()]

    yield ask
    for gone in requests:
        gone.callback(None)
    ours.close()
    theirs.close()


def left_out(lines):
    return [line["instance_id"] for line in lines if line["event"] == "left_out"]


def test_what_was_put_down_by_its_name_is_left_out_of_up_of_all_on_request(fleet, post):
    post("down", {"names": ["b"]})
    post("down", {"all": True})
    assert sorted(fleet.resting()) == ["a", "b", "c"]
    assert fleet.targets.word(fleet.instance("a")).by.endswith(WITH_ALL)
    assert left_out(post("up", {"all": True, "leave_put_down": True})) == ["b"]
    assert list(fleet.resting()) == ["b"]
    assert left_out(post("up", {"all": True})) == []
    assert fleet.resting() == {}


def test_a_restart_of_all_leaves_out_whatever_is_down(fleet, post):
    post("down", {"all": True})
    assert left_out(post("restart", {"all": True})) == ["a", "b", "c"]
