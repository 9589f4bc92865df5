"""Requests for all instances: who is left out, and how they are remembered."""

import io
import json
import socket
from types import SimpleNamespace

import pytest
from twisted.internet.defer import Deferred

from ocsd.audit.journal import AuditJournal
from ocsd.daemon.api.control import ControlApi
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.keeper import Keeper
from ocsd.daemon.instances.targets import Targets
from ocsd.daemon.watching.auditing import Audit
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
def audit(tmp_path, clock):
    audit = Audit(AuditJournal(tmp_path / "audit"), clock, lambda: 5.0)
    yield audit
    audit.close()


@pytest.fixture
def post(fleet, clock, audit):
    """Return a function that posts a change and returns the lines of the answer so far."""
    boxed = Instance(instance_id="boxed", agent_class="A", manage="docker")
    status = SimpleNamespace(left_alone=lambda: (boxed,))
    api = ControlApi(status, fleet, clock, None, None, None, None, audit)
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
        if isinstance(refused := changes[verb.encode()].render(request), bytes):
            written.append(refused)
        return [json.loads(line) for line in b"".join(written).splitlines()]

    yield ask
    for gone in requests:
        gone.callback(None)
    ours.close()
    theirs.close()


@pytest.fixture
def posted(fleet, clock, audit):
    """Return a function that posts to `reload` or `upgrade`, and what has been asked for by it."""
    asked = []
    upgrade = SimpleNamespace(
        request=lambda answer, refuse, by: asked.append("upgrade"),
        foresee=lambda answer, refuse: answer({"event": "would_upgrade"}),
    )

    def reload(by, dry_run, text):
        asked.append((dry_run, text))
        return SimpleNamespace(as_json=dict), {}

    api = ControlApi(None, fleet, clock, None, upgrade, reload, None, audit)
    ours, theirs = socket.socketpair()

    def ask(name, body):
        written, codes = [], []
        request = SimpleNamespace(
            method=b"POST",
            content=io.BytesIO(json.dumps(body).encode()),
            channel=SimpleNamespace(transport=SimpleNamespace(getHandle=lambda: ours)),
            setHeader=lambda *_: None,
            setResponseCode=codes.append,
            notifyFinish=Deferred,
            write=written.append,
            finish=lambda: None,
        )
        answer = api.site().resource.children[b"v1"].children[name.encode()].render(request)
        written += [answer] if isinstance(answer, bytes) else []
        return codes, json.loads(b"".join(written) or b"null")

    yield ask, asked
    ours.close()
    theirs.close()


def test_another_text_is_only_tried(posted):
    ask, asked = posted
    assert ask("reload", {"dry_run": True, "text": "hub: {}"}) == ([], {})
    assert asked == [(True, "hub: {}")]
    for body in ({"text": "hub: {}"}, {"dry_run": True, "text": 7}):
        codes, told = ask("reload", body)
        assert codes == [400]
        assert "only tried: add dry_run" in told["error"]["message"]
    assert len(asked) == 1


def test_an_upgrade_is_foreseen_and_not_begun(posted):
    ask, asked = posted
    assert ask("upgrade", {"dry_run": True}) == ([], {"event": "would_upgrade"})
    assert asked == []
    ask("upgrade", {})
    assert asked == ["upgrade"]


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


def test_what_something_else_runs_is_refused_with_the_reason(post):
    [told] = post("down", {"names": ["a", "boxed"]})
    reason = "not managed here: docker runs it (manage), and the HostManager entry of this host"
    assert told["error"]["message"].startswith(f"'boxed' is {reason}")


def test_down_of_all_leaves_the_page_up_and_by_its_name_it_goes_down(fleet, post, clock):
    page = Keeper("web", Lifecycle(), Idle(), clock, lambda: 0.0, lambda: 0.0, fleet.announce)
    fleet.add(Instance(instance_id="web", agent_class="Web"), page)
    [told] = [line for line in post("down", {"all": True}) if line["event"] == "left_out"]
    assert told["reason"] == "it shows what is down; to end it, too: ocsd down web"
    assert sorted(fleet.resting()) == ["a", "b", "c"]
    assert left_out(post("restart", {"all": True})) == ["a", "b", "c"]
    post("down", {"names": ["web"]})
    assert "web" in fleet.resting()


def test_a_program_names_the_person_for_whom_it_asks(fleet, post):
    post("down", {"names": ["a"], "by": "alice\nof the page, from 10.0.0.5"})
    by = fleet.targets.word(fleet.instance("a")).by
    person, through, _ = by.partition(", through ")
    assert through
    assert person.startswith("alice")
    assert "\n" not in person
    post("down", {"names": ["b"], "by": "x" * 1000})
    assert fleet.targets.word(fleet.instance("b")).by.startswith("x" * 160 + ", through ")
