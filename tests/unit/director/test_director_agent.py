"""The access director as agents and clients meet it, in simulated time."""

from argparse import Namespace
from types import SimpleNamespace

import pytest

from ocsd.agent.agent import OCSAgent
from ocsd.bus.wamp import ComponentConfig
from ocsd.director.agent import AccessDirector, config_path
from ocsd.director.state_file import STATE_FILE
from ocsd.errors import AgentArgumentsError, DirectorFileError
from ocsd.reactor import threads
from tests.unit.agent.conftest import SimulatedReactor
from tests.unit.agent.test_joining import Link
from tests.unit.director.test_configuration import ARGON2, WHOLE

STRONG = f"""\
passwords:
- {{default: true, password_2: {{hash: argon2, value: '{ARGON2}'}}}}
- {{agent_class: FakeDataAgent, password_3: {{hash: argon2, value: '{ARGON2}'}}}}
"""


@pytest.fixture
def reactor():
    reactor = SimulatedReactor()
    threads.use_reactor(reactor)
    yield reactor
    threads.use_reactor(None)


class Bus(Link):
    """A connection that keeps what is published."""

    def publish(self, topic, message):
        if topic.endswith("controls"):
            self.published.append(message[0])


class Site:
    """A director on a bus."""

    def __init__(self, reactor, folder, text=WHOLE, closed=False):
        self.reactor, self.folder, self.closed = reactor, folder, closed
        self.file = folder / "access.yaml"
        self.now = 1000.0
        self.write(text)
        self.begin()

    def write(self, text):
        self.file.write_text(text)
        self.file.chmod(0o600)

    def begin(self):
        args = Namespace(instance_id="access-dir", access_policy="none", address_root="observatory")
        address = "observatory.access-dir"
        self.agent = OCSAgent(ComponentConfig("r"), args, address, "AccessDirector")
        self.director = AccessDirector(
            self.agent, self.file, self.closed, self.folder, lambda: self.now
        )
        self.bus = Bus()
        self.agent.attach(self.bus)
        self.reactor.advance(0)

    def end(self):
        self.agent.stop("manager", password=self.agent)
        self.agent.detach()

    def told(self):
        told, self.bus.published = self.bus.published, []
        return told

    def ask(self, action, **more):
        asked = {"grant_name": "cal", "password": "for cal", "grantee": "me", "action": action}
        return self.director.request_exclusive(**{**asked, **more})

    def heartbeat(self, name, session="1"):
        info = {"agent_address": f"observatory.{name}", "agent_class": "FakeDataAgent"}
        self.director.hear([{}, {**info, "session_id": session}])


@pytest.fixture
def site(reactor, tmp_path):
    site = Site(reactor, tmp_path)
    yield site
    site.end()


def test_all_are_told_the_rules_at_once_and_each_minute(site, reactor):
    [first] = site.told()
    assert (first["reset"], first["ac_version"], len(first["rules"])) == (True, 1, 4)
    reactor.pump([1.0] * 59)
    assert site.told() == []
    reactor.pump([1.0])
    assert len(site.told()) == 1


def test_an_agent_that_polls_is_told_its_own_rules(site):
    site.told()
    assert site.director.agent_poll(instance_id="faker4", agent_class="FakeDataAgent") is True
    [own] = site.told()
    assert own["target"] == "faker4"
    assert [rule["cred_level"] for rule in own["rules"]] == [1, 2, 3]
    assert site.director.agent_poll(instance_id="x") is False


def test_a_grant_is_told_at_once_and_shown_while_it_lasts(site, reactor):
    site.told()
    answer = site.ask("acquire", expire_at=site.now + 100)
    assert len(answer["password"]) == 32
    [told] = site.told()
    assert told["step"] == answer["step"]
    [grant] = site.agent.sessions["manager"].encoded()["data"]["grants"]
    assert (grant["name"], grant["grantee"]) == ("cal", "me")
    site.now += 100
    reactor.pump([1.0])
    assert len(site.told()) == 1
    assert site.agent.sessions["manager"].encoded()["data"] == {"grants": []}


def test_grants_outlive_the_director(site):
    step = site.ask("acquire", expire_at=site.now + 100)["step"]
    assert (site.folder / STATE_FILE).stat().st_mode & 0o777 == 0o600
    site.end()
    site.begin()
    assert site.told()[-1]["step"] > step
    assert "already held" in site.ask("acquire")["error"]
    assert site.ask("release")["message"] == "grant released"


def test_a_state_that_others_could_read_is_not_used(site):
    site.ask("acquire", expire_at=site.now + 100)
    site.end()
    (site.folder / STATE_FILE).chmod(0o644)
    site.begin()
    assert site.ask("acquire")["message"] == "grant acquired"


def test_a_new_file_is_taken_and_a_wrong_one_changes_nothing(site, reactor):
    site.told()
    site.write(WHOLE.replace("lockout_levels", "lock_levels"))
    assert site.agent.start("reload_config")[0] == 0
    reactor.advance(0)
    session = site.agent.sessions["reload_config"]
    assert session.success is False
    assert "line 15: unknown key 'lock_levels'" in session.messages[-2][1]
    assert site.told() == []
    site.write("passwords: []\n")
    site.agent.start("reload_config")
    reactor.advance(0)
    [told] = site.told()
    assert told["rules"] == []


def test_a_director_does_not_start_with_a_wrong_file(reactor, tmp_path):
    with pytest.raises(DirectorFileError, match="unknown key"):
        Site(reactor, tmp_path, "password: []\n")


def test_each_is_told_its_own_rules_if_the_file_has_strong_hashes(reactor, tmp_path):
    site = Site(reactor, tmp_path, STRONG)
    assert site.told() == []
    site.heartbeat("faker1")
    site.heartbeat("faker1")
    site.heartbeat("faker1", session="2")
    site.director.hear("no heartbeat")
    assert [message["target"] for message in site.told()] == ["faker1", "faker1"]
    reactor.pump([1.0] * 60)
    [again] = site.told()
    assert [rule["hashed_pass"]["hash"] for rule in again["rules"]] == ["md5", "md5"]
    site.end()


def test_a_strong_password_is_exchanged_for_its_token(reactor, tmp_path):
    site = Site(reactor, tmp_path, STRONG)
    ask = site.director.request_token
    faker = {"instance_id": "faker1", "agent_class": "FakeDataAgent"}
    right = site_result(ask(password="strong", **faker))
    assert (len(right["token"]), right["cred_level"]) == (32, 3)
    assert site_result(ask(password="strong"))["cred_level"] == 2
    for wrong in ("weak", None, ""):
        assert site_result(ask(password=wrong, **faker)) == {
            "error": "no password with a strong hash fits"
        }
    site.end()
    site.begin()
    assert site_result(site.director.request_token(password="strong", **faker)) == right
    site.end()


def site_result(deferred):
    results = []
    deferred.addCallback(results.append)
    return results[0]


@pytest.mark.parametrize(
    ("role", "stops"), [("viewer", False), ("operator", False), ("expert", True), ("host", True)]
)
def test_on_a_closed_site_experts_stop_the_director(reactor, tmp_path, role, stops):
    site = Site(reactor, tmp_path, closed=True)
    details = SimpleNamespace(caller=7, caller_authid="otto", caller_authrole=role)
    answer = site.agent.operations.handle("stop", "manager", {}, details=details)
    assert (answer[0] == 0) is stops
    answer = site.ask("acquire", details=details)
    assert ("error" in answer) is (role == "viewer")
    if role != "viewer":
        assert answer["message"] == "grant acquired"
        assert site.director._state.grants[0].grantee == "otto: me"
    site.end()


def test_the_path_of_the_file_begins_at_the_site_file():
    assert str(config_path("access.yaml", "/etc/ocs/site.yaml")) == "/etc/ocs/access.yaml"
    assert str(config_path("/a/access.yaml", "/etc/ocs/site.yaml")) == "/a/access.yaml"
    with pytest.raises(AgentArgumentsError, match="needs --config-file"):
        config_path(None, None)
