"""Access control beside the published OCS: agents, clients and directors of both, on one router.

The scenes are those of OCS's own tests of its director, told anew.
"""

import json
import subprocess
import time
from types import SimpleNamespace

import pytest
import yaml
from websockets.sync.client import connect

from ocsd.client.exclusive import ExclusiveAccessClient
from ocsd.ocs_client import OCSClient
from tests.interop.conftest import PublishedOcs
from tests.system.conftest import a_site, fake_agent
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.interop

LOW = "The action requires credential level 2-ADVANCED but the client has only level "
CONFIG = """\
passwords_block_default_hashfunc: none
distrib_hashfunc: md5
passwords:
  - {default: true, password_1: '', password_2: two, password_3: {hash: none, value: three}}
  - {agent_class: FakeDataAgent, instance_id: '!guarded', password_2: fakers}
exclusive_access_blocks:
  - name: fakers
    password: for fakers
    grants:
      - {agent_class: FakeDataAgent, cred_level: 2, lockout_levels: [1, 2, 3]}
"""


def guarded(name, director):
    entry = fake_agent(name, mode="idle")
    return {**entry, "arguments": [*entry["arguments"], f"--access-policy=director:{director}"]}


@pytest.fixture(scope="module")
def site():
    with a_site(free_port()) as site:
        file = site.folder / "access.yaml"
        file.write_text(CONFIG)
        file.chmod(0o600)
        director = {"agent-class": "AccessDirector", "arguments": ["--config-file", "access.yaml"]}
        agents = [
            {**director, "instance-id": "access-dir"},
            {**director, "instance-id": "their-dir", "manage": "ignore"},
            guarded("guarded", "access-dir"),
            guarded("guarded2", "their-dir"),
            {**fake_agent("guarded-ocs"), "manage": "ignore"},
        ]
        override = fake_agent("override", mode="idle")
        override["arguments"].append("--access-policy=override:pw2,pw3")
        site.write(*agents, override)
        # The published package has no defaults for these.
        whole = yaml.safe_load(site.file.read_text())
        whole["hub"] |= {"wamp_realm": "test_realm", "address_root": "observatory"}
        site.file.write_text(yaml.safe_dump(whole))
        site.bring_up()
        yield site


@pytest.fixture(scope="module")
def ocs(ocs_python, site):
    words = [f"--site-file={site.file}", "--site-host=lab"]
    return PublishedOcs(ocs_python, SimpleNamespace(folder=site.folder, ocs_arguments=words))


@pytest.fixture(scope="module")
def ours(site):
    """Return a client of ours."""

    def client(name, privs=None):
        return OCSClient(name, privs=privs, args=["--site-file", str(site.file)])

    return client


def control(client):
    return client._client.get_api()["access_control"]


def told(client, step=1):
    """Wait until an agent has rules of a step or a later one."""
    wait_until(lambda: control(client)["update_count"] and control(client)["step"] >= step, 30)


def starts(client):
    """Start and abort the guarded task; return the text of the answer and the level."""
    answer = client.delay_task.start(delay=0.01)
    if answer.status != 0:
        return answer.msg, None
    return answer.msg, client.delay_task.wait(timeout=20).session["cred_level"]


def test_our_client_and_agent_and_director(ours):
    told(ours("guarded"))
    assert starts(ours("guarded")) == (LOW + "1-BASIC", None)
    assert starts(ours("guarded", "wrong")) == (LOW + "1-BASIC", None)
    assert starts(ours("guarded", "two")) == ('Started task "delay_task".', 2)
    assert starts(ours("guarded", "three")) == ('Started task "delay_task".', 3)
    assert starts(ours("guarded", "fakers")) == (LOW + "1-BASIC", None)  # not its scope
    assert ours("guarded").acq.status().status == 0


def test_passwords_of_an_agents_arguments(ours, ocs):
    assert starts(ours("override")) == (LOW + "1-BASIC", None)
    assert starts(ours("override", "pw2"))[1] == 2
    level = ocs.run("""
        task = OCSClient('override', privs='pw3', args=sys.argv[1:]).delay_task
        task(delay=0.01)
        result = task.status().session['cred_level']
    """)
    assert level == 3


def test_the_published_client_with_privs_against_our_agent_and_director(ocs, tmp_path):
    """Also with the passwords of the user's file."""
    file = tmp_path / "passwords.yaml"
    file.write_text("- {default: true, password_2: wrong}\n- {instance_id: g*, password_2: two}\n")
    low, by_word, by_level, waited = ocs.run(f"""
        import os
        os.environ['OCS_PASSWORDS_FILE'] = {str(file)!r}
        def task(privs):
            return OCSClient('guarded', privs=privs, args=sys.argv[1:]).delay_task
        result = [task(1).start(delay=0.01), task('two')(delay=0.01), task(2)(delay=0.01)]
        result.append(task(1).wait())
    """)
    assert low == [-1, LOW + "1-BASIC", {}]
    for answer in (by_word, by_level):
        assert (answer[0], answer[2]["cred_level"]) == (0, 2)
    assert waited[0] == 0


def test_exclusive_access_locks_the_others_out_until_it_is_released(ours):
    access = ExclusiveAccessClient(ours("access-dir"), "wire grid", "fakers", "for fakers")
    ok, detail = access.acquire()
    assert ok, detail
    told(ours("guarded"), detail["step"])
    lockout = "0-BLOCKED Privileges diminished; lockouts active: ['fakers[wire grid]']"
    assert starts(ours("guarded", "three")) == (LOW + lockout, None)
    assert starts(ours("guarded", access.password))[1] == 2
    taken = {"error": "Grant is already held (grantee: wire grid); release it first."}
    assert ExclusiveAccessClient(ours("access-dir"), "me", "fakers", "for fakers").acquire() == (
        False,
        taken,
    )
    assert access.renew(time.time() + 200)[1]["message"] == "grant renewed"
    [grant] = ours("access-dir").manager.status().session["data"]["grants"]
    assert (grant["name"], grant["grantee"]) == ("fakers", "wire grid")
    ok, detail = access.release()
    assert ok
    told(ours("guarded"), detail["step"])
    assert starts(ours("guarded", "three"))[1] == 3


def test_the_published_exclusive_client_against_our_director(ocs, ours):
    acquired, started, released = ocs.run("""
        from ocs.access import ExclusiveAccessClient
        access = ExclusiveAccessClient(client('access-dir'), 'theirs', 'fakers', 'for fakers')
        ok, acquired = access.acquire()
        it = OCSClient('guarded', privs=access.password, args=sys.argv[1:])
        def step():
            return it._client.get_api()['access_control']['step']
        until(lambda: step() >= acquired['step'], 30)
        started = it.delay_task(delay=0.01)
        ok, released = access.release()
        until(lambda: step() >= released['step'], 30)
        result = [acquired, started, released]
    """)
    assert acquired["message"] == "grant acquired"
    assert (started[0], started[2]["cred_level"]) == (0, 2)
    assert released["message"] == "grant released"


def test_the_published_agent_takes_the_rules_of_our_director(ocs, ours):
    policy = "--access-policy=director:access-dir"
    with ocs.agent("fake_data", "guarded-ocs", policy, until_joined=True):
        told(ours("guarded-ocs"))
        assert starts(ours("guarded-ocs")) == (LOW + "1-BASIC", None)
        assert starts(ours("guarded-ocs", "two"))[1] == 2
        assert starts(ours("guarded-ocs", "fakers"))[1] == 2
        access = ExclusiveAccessClient(ours("access-dir"), "us", "fakers", "for fakers")
        told(ours("guarded-ocs"), access.acquire()[1]["step"])
        assert starts(ours("guarded-ocs", "two"))[0].startswith(LOW + "0-BLOCKED Privileges")
        assert starts(ours("guarded-ocs", access.password))[1] == 2
        told(ours("guarded-ocs"), access.release()[1]["step"])


def test_our_agent_and_client_take_the_rules_of_the_published_director(ocs, ours, site):
    config = f"--config-file={site.folder / 'access.yaml'}"
    assert starts(ours("guarded2"))[0] == LOW + "0-BLOCKED"
    with ocs.agent("access_director", "their-dir", config, until_joined=True):
        told(ours("guarded2"))
        assert starts(ours("guarded2")) == (LOW + "1-BASIC", None)
        assert starts(ours("guarded2", "fakers"))[1] == 2
        access = ExclusiveAccessClient(ours("their-dir"), "us", "fakers", "for fakers")
        told(ours("guarded2"), access.acquire()[1]["step"])
        assert starts(ours("guarded2", "three"))[0].startswith(LOW + "0-BLOCKED Privileges")
        assert starts(ours("guarded2", access.password))[1] == 2
        told(ours("guarded2"), access.release()[1]["step"])
    # The director is gone; its rules outlive the agent.
    done = site.ocsd("restart", "guarded2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert control(ours("guarded2"))["update_count"] == 0
    assert starts(ours("guarded2", "three"))[1] == 3


def test_the_password_window_of_ocs_web(site):
    """Frames as ocs-web sends them (build d6fc52e): the password is a keyword beside three."""
    url = f"ws://localhost:{site.port}/ws"
    with connect(url, subprotocols=["wamp.2.json"], proxy=None) as socket:

        def talk(frame):
            socket.send(json.dumps(frame))
            return json.loads(socket.recv(timeout=30))

        assert talk([1, "test_realm", {"roles": {"caller": {}}}])[0] == 2

        def press(number, method, params, kwargs):
            words = [method, "delay_task", params]
            frame = [48, number, {}, "observatory.guarded.ops", words, kwargs]
            _, _, _, [answer] = talk(frame)
            return answer

        low = press(1, "start", {"delay": 0.01}, {})
        assert low == [-1, LOW + "1-BASIC", {}]
        assert press(2, "start", {"delay": 0.01}, {"password": "wrong"}) == low
        started = press(3, "start", {"delay": 60}, {"password": "two"})
        assert (started[0], started[2]["cred_level"]) == (0, 2)
        assert press(4, "abort", [], {"password": "wrong"})[1] == LOW + "1-BASIC"
        assert press(5, "abort", [], {"password": "two"})[0] == 0
        assert press(6, "status", [], {"password": "wrong"})[0] == 0


def test_no_password_is_in_logs_and_status(site):
    """Neither rules nor passwords are in what the host shows and keeps."""
    shown = site.ocsd("status", "--json").stdout + site.ocsd("logs", "access-dir").stdout
    for path in (site.folder / "log").rglob("*"):
        if path.is_file():
            shown += path.read_text(errors="replace")
    for word in ("three", "for fakers", "password_2: two"):
        assert f"'{word}'" not in shown
        assert f'"{word}"' not in shown


RULES_OF_THEIRS = """
import json, sys
from ocs.access import (AccessRule, AgentAccessRules, AgentSpec, HashedPass, ScopeSpec,
                        agent_get_creds, agent_rejection_message, pattern_match)

for line in sys.stdin:
    rules, agent_class, instance_id, password = json.loads(line)
    spec = AgentSpec(instance_id=instance_id, agent_class=agent_class)
    known = AgentAccessRules(policy='director', rules=[AccessRule(**each) for each in rules])
    level, detail = agent_get_creds(password, known, spec)
    print(json.dumps([level.value, detail]))
"""


def test_levels_are_those_that_the_published_ocs_finds(ocs_python):
    """Many rules at random, judged by both."""
    import random

    from ocsd.access.level_rules import WireHash, WirePassword, credentials, rules_of
    from ocsd.access.scope import AccessTarget

    chance = random.Random(14)
    words = ["", "a", "b", "c"]
    patterns = [None, "", "Fake*", "!FakeDataAgent", "Fake*,!FakeD*", "*", "x,faker1", "!x"]

    def rule(number):
        kind = chance.choice([WireHash.NONE, WireHash.MD5, WireHash.MD5])
        password = WirePassword.of(kind, chance.choice(words)).as_json()
        if chance.random() < 0.1:
            password = {"hash": "blocked", "value": ""}
        locked = chance.sample([1, 2, 3], chance.choice([0, 0, 1, 2]))
        return {
            "hashed_pass": password,
            "cred_level": chance.randint(0, 4),
            "scope_spec": {
                "default": chance.random() < 0.3,
                "agent_class": chance.choice(patterns),
                "instance_id": chance.choice(patterns),
            },
            # One owner, because OCS lists several in any order.
            "lockout_id": "g",
            "lockout_owner": "me",
            "lockout_levels": locked,
        }

    cases = [
        [[rule(n) for n in range(chance.randint(0, 5))], "FakeDataAgent", "faker1", password]
        for password in words
        for _ in range(150)
    ]
    done = subprocess.run(
        [ocs_python, "-c", RULES_OF_THEIRS],
        input="\n".join(map(json.dumps, cases)),
        capture_output=True,
        text=True,
        check=True,
    )
    for case, line in zip(cases, done.stdout.splitlines(), strict=True):
        rules, agent_class, instance_id, password = case
        found = credentials(rules_of(rules), AccessTarget(agent_class, instance_id), password)
        assert [found.level.value, found.detail] == json.loads(line), case
