"""A closed site with an access director: roles, passwords and exclusive access, all real."""

import json

import pytest
import yaml

from ocsd.client.exclusive import ExclusiveAccessClient
from ocsd.ocs_client import OCSClient
from tests.system.conftest import a_site, fake_agent
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system

PEOPLE = {"vera": "viewer", "otto": "operator", "eva": "expert"}
LOW = "The action requires credential level 2-ADVANCED but the client has only level "
CONFIG = """\
passwords:
  - {default: true, password_1: '', password_2: two}
exclusive_access_blocks:
  - name: fakers
    grants:
      - {agent_class: FakeDataAgent, cred_level: 2, lockout_levels: [2, 3]}
"""


@pytest.fixture(scope="module")
def site():
    with a_site(free_port()) as site:
        file = site.folder / "access.yaml"
        file.write_text(CONFIG)
        file.chmod(0o600)
        director = {"agent-class": "AccessDirector", "instance-id": "access-dir"}
        site.write(
            {**director, "arguments": ["--config-file", "access.yaml"]},
            fake_agent("faker1", mode="idle"),
        )
        whole = yaml.safe_load(site.file.read_text())
        whole["hub"] = {
            "access": "closed",
            "wamp_server": f"wss://localhost:{site.port}/ws",
            "access_policy": "director:access-dir",
        }
        site.file.write_text(yaml.safe_dump(whole))
        words = ["--site-file", str(site.file), "--host", "lab"]
        assert site.ocsd("access", "init", *words).returncode == 0
        for name, role in PEOPLE.items():
            secret = site.folder / name
            secret.write_text(f"password of {name}\n")
            secret.chmod(0o600)
            add = ["access", "user", "add", name, "--role", role, "--password-file", str(secret)]
            done = site.ocsd(*add)
            assert done.returncode == 0, done.stdout + done.stderr
        site.bring_up()
        yield site


@pytest.fixture
def client(site, monkeypatch):
    """Return a client of somebody."""
    for name, value in site.environment.items():
        monkeypatch.setenv(name, value)

    def client(person, instance_id, privs=None):
        monkeypatch.setenv("OCSD_USER", person)
        monkeypatch.setenv("OCSD_PASSWORD_FILE", str(site.folder / person))
        return OCSClient(instance_id, privs=privs, args=["--site-file", str(site.file)])

    return client


def starts(client):
    answer = client.delay_task.start(delay=0.01)
    if answer.status != 0:
        return answer.msg
    return client.delay_task.wait(timeout=20).session["cred_level"]


def told(client, step=1):
    def come():
        control = client._client.get_api()["access_control"]
        return control["update_count"] and control["step"] >= step

    wait_until(come, "the rules to come", 30)


def test_the_role_counts_first_and_the_password_second(site, client):
    told(client("vera", "faker1"))
    assert starts(client("vera", "faker1")) == LOW + "0-BLOCKED"
    assert starts(client("otto", "faker1")) == LOW + "1-BASIC"
    assert starts(client("eva", "faker1")) == 2
    assert starts(client("otto", "faker1", "two")) == 2
    started = client("vera", "faker1").delay_task.status().session["started_by"]
    assert started["name"].startswith("otto (operator)")

    def refused():
        audit = json.loads(site.ocsd("audit", "--json").stdout)
        return [each["person"] for each in audit["entries"] if each["outcome"] == "refused"][:2]

    # Agents report what they refuse to the daemon, which writes it down.
    wait_until(lambda: refused() == ["vera", "otto"], "the entries of both")


def test_an_exclusive_access_belongs_to_whoever_has_acquired_it(client):
    def access(person):
        return ExclusiveAccessClient(client(person, "access-dir"), "run 12", "fakers")

    viewers = access("vera")
    assert viewers.acquire()[1] == {"error": "Credential failed to access (fakers)"}
    holder = access("otto")
    ok, detail = holder.acquire()
    assert ok, detail
    told(client("eva", "faker1"), detail["step"])
    lockouts = " Privileges diminished; lockouts active: ['fakers[otto: run 12]']"
    assert starts(client("eva", "faker1")) == LOW + "1-BASIC" + lockouts
    assert starts(client("otto", "faker1", holder.password)) == 2
    assert "error" in access("vera").release()[1]
    ok, detail = access("eva").release()
    assert ok, detail
    told(client("eva", "faker1"), detail["step"])
    assert starts(client("eva", "faker1")) == 2


def test_only_experts_stop_the_director_or_reload_its_file(client):
    low = "The action requires credential level 2-ADVANCED but the client has only level 1-BASIC"
    assert client("otto", "access-dir").manager.stop().msg == low
    assert client("otto", "access-dir").reload_config.start().msg == low
    assert client("eva", "access-dir").reload_config().session["success"] is True
