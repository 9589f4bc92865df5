"""Programs of the published OCS at a closed site: a site file and two variables are all."""

import json

import pytest
import yaml

from tests.system import namespaces
from tests.system.sites.three_hosts import CLOSED, ThreeHosts, answer, content, usual
from tests.system.waiting import wait_until

_OBSTACLE = namespaces.obstacle()
pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(_OBSTACLE is not None, reason=str(_OBSTACLE)),
]

ASK = """
import json, sys
from ocs.ocs_client import OCSClient
client = OCSClient(sys.argv[1], args=sys.argv[3:])
actions = sys.argv[2].split(",")
print(json.dumps([getattr(client.delay_task, action)()[:2] for action in actions]))
"""
OLD = "fake-old"
KEPT = "fake-kept"


@pytest.fixture(scope="module")
def site(ocs_python):
    rows = usual()
    kept = {"agent-class": "FakeDataAgent", "instance-id": KEPT, "arguments": ["--mode", "acq"]}
    rows["lab-1"].append({**kept, "runtime": "ocs", "python": str(ocs_python)})
    # Something else than ocsd starts this one.
    rows["lab-2"].append({**kept, "instance-id": OLD, "manage": "ignore"})
    with namespaces.network() as network:
        site = ThreeHosts(network, content(CLOSED, rows))
        site.make()
        site.close()
        site.bring_up()
        yield site


def file_of(site, host, kind, name, *words):
    """Write the site file that `ocsd access` makes for old software; return it and variables."""
    made = json.loads(
        site.hub.checked_ocsd("access", kind, name, *words, "--json", "--host", "hub")
    )
    rows = [{"agent-class": "FakeDataAgent", "instance-id": OLD, "arguments": ["--mode", "acq"]}]
    hosts = {host.name: {"agent-instances": rows}}
    file = host.folder / f"{name}.yaml"
    file.touch(0o600)
    file.write_text(yaml.safe_dump({"hub": made["hub"], "hosts": hosts}))
    authority = str(host.runtime / "ca.pem")
    return file, dict.fromkeys(made["environment"], authority)


def ask(site, host, python, role, agent, *actions):
    """Let the published OCSClient ask for actions of an agent; return codes and messages."""
    file, variables = file_of(site, host, "client-url", f"{role}-of-old", "--role", role)
    words = (python, "-c", ASK, agent, ",".join(actions))
    where = ("--site-file", file, "--site-host", host.name)

    def answered():
        done = host.run(*words, *where, environment=variables)
        # The router learns of a new URL within a second or two.
        return "code 404" not in done.stderr and done

    done = wait_until(answered, "the router to know the URL")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def old_agent(site, ocs_python):
    """An agent on the published OCS that somebody starts by hand on lab-2."""
    lab = site.network.hosts["lab-2"]
    file, variables = file_of(site, lab, "agent-url", OLD)
    words = ("-m", "ocs.agents.fake_data.agent", "--site-file", file, "--site-host", lab.name)
    with (lab.folder / "old.log").open("wb") as log:
        process = lab.begin(
            *(ocs_python, *words, "--instance-id", OLD),
            environment=variables,
            stdout=log,
            stderr=log,
        )
        yield OLD
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", [OLD, KEPT])
def test_an_agent_is_operated_from_another_host(site, old_agent, name):
    assert answer(site.network.hosts["lab-1"], name, "delay_task", "delay=0.01")["session"][
        "success"
    ]


@pytest.mark.parametrize("name", [OLD, KEPT])
def test_what_an_agent_publishes_is_recorded(site, old_agent, name):
    feed = f"observatory.{name}.feeds.false_temperatures"
    wait_until(lambda: feed in site.recorded(), f"data of {name}")


@pytest.mark.parametrize("name", [OLD, KEPT, "fake-hub"])
def test_a_client_may_do_what_its_role_may(site, old_agent, ocs_python, name):
    lab = site.network.hosts["lab-1"]
    answer(lab, name, "delay_task", "delay=0.01")
    # The viewer first: whether a task is in progress is told before who may start it.
    started, status = ask(site, lab, ocs_python, "viewer", name, "start", "status")
    assert started[0] == -1
    assert "requires credential level 1-BASIC" in started[1]
    assert status[0] == 0
    assert ask(site, lab, ocs_python, "operator", name, "start")[0][0] == 0
