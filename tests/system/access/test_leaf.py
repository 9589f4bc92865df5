"""A host of a closed site with a router of its own: who is who on both sides of its bridge."""

import contextlib
import json
import os
import pwd
import signal
import subprocess

import pytest
import yaml

from ocsd.client.http import ControlClientError
from tests.system.access.conftest import SECRETS
from tests.system.access.sessions import perform
from tests.system.attacks.wire import RawSocket, Session, unix
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

OCS_CLIENT = """
import json, sys
from ocs.ocs_client import OCSClient
task = OCSClient("outpost", args=sys.argv[1:]).delay_task
print(json.dumps([task.start(delay=0.01), task.wait(timeout=20)]))
"""

NAME_OF_ANOTHER = "in the name of somebody else"


@pytest.fixture(scope="module")
def leaf(closed):
    """The closed site, whose host `leaf` has a router of its own."""
    closed.bring_up("leaf")
    joined(closed)
    return closed


def joined(site):
    def is_joined():
        row = site.instance("bridge", "leaf")
        return row["health"] == "ok" and row["bridge"]["connected"]

    wait_until(is_joined, "the bridge to be joined")


def at_leaf(site, name=None):
    """Return the words of a join at the leaf's socket."""
    words = {"url": "wss://127.0.0.1:1/ws", "socket": str(site.folder / "run/leaf/router.sock")}
    if name is not None:
        words |= {"authid": f"{name}@leaf", "secret": site.ticket(name, "leaf").secret}
    return words


def at_hub(site, name, host):
    """Return the words of a join at the hub's socket with a ticket."""
    ticket = site.ticket(name, host).secret
    return {"url": f"wss://{site.url}/ws", "socket": site.socket, "authid": f"{name}@{host}"} | {
        "secret": ticket
    }


def for_somebody(authid, role):
    return {"forward_for": [{"session": 1, "authid": authid, "authrole": role}]}


@contextlib.contextmanager
def as_nobody(site):
    """Give a session at the leaf's socket to a user of its group, by the kernel's word."""
    for path in (site.folder, site.folder / "run", site.folder / "run" / "leaf"):
        path.chmod(0o750)
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        connection = unix(at_leaf(site)["socket"])
    finally:
        os.seteuid(0)
    with contextlib.closing(connection):
        yield Session(RawSocket(connection))


def started_by(site, name):
    """Return who has started the task of an agent, as the agent knows."""
    return site.client(name).request("status", "delay_task")[2]["started_by"]


def test_it_has_sockets_and_no_port(leaf):
    status = leaf.status("leaf")
    assert status["router"]["state"] == "up"
    config = json.loads((leaf.folder / "state/leaf/router/config.json").read_text())
    transports = config["workers"][0]["transports"]
    assert {each["endpoint"]["type"] for each in transports} == {"unix"}
    assert leaf.instance("outpost", "leaf")["state"] == "up"
    own = ("--host", "leaf", "--site-file", leaf.file)
    checked = leaf.ocsd("access", "check", *own)
    assert checked.returncode == 0, checked.stdout
    assert f"closed: nobody joins wss://{leaf.url}/ws without a login" in checked.stdout
    # A person's login is for the hub; here the socket says who calls.
    done = leaf.ocsd("call", "outpost", "delay_task", "delay=0.01", *own)
    assert done.returncode == 0, done.stderr


def test_a_person_at_the_hub_is_the_same_person_at_the_leaf(leaf, logged_in):
    logged_in("otto")
    assert leaf.client("outpost").request("start", "delay_task", {"delay": 0.01})[0] == 0
    assert started_by(leaf, "outpost")["name"].startswith("otto (operator)")
    logged_in("vera")
    code, text, _ = leaf.client("outpost").request("start", "delay_task")
    assert code == -1
    assert "the client has only level 0-BLOCKED" in text


def test_a_user_of_the_leaf_is_an_operator_at_the_hub_and_no_host(leaf, logged_in):
    with as_nobody(leaf) as session:
        assert session.welcome["authrole"] == "operator"
        answer = session.call("observatory.thermo.ops", "start", "delay_task", {"delay": 0.01})
    assert answer[0][0][0] == 0, answer
    logged_in("vera")
    told = started_by(leaf, "thermo")
    assert told["name"].startswith("nobody@leaf (operator)")
    assert told["router"]["authrole"] == "operator"


def test_root_of_the_leaf_is_named_after_the_leaf(leaf, logged_in):
    done = leaf.ocsd("call", "--host", "leaf", "thermo", "delay_task", "delay=0.01")
    assert done.returncode == 0, done.stderr
    logged_in("vera")
    assert started_by(leaf, "thermo")["name"].startswith("root@leaf (host)")


def test_nobody_but_the_bridge_speaks_for_others(leaf):
    forged = for_somebody("otto", "admin")
    answers = perform(
        ["a", "join", at_leaf(leaf, "outpost2")],
        ["a", "call", "observatory.outpost", "get_api", forged],
        ["a", "publish", "observatory.outpost2.feeds.x", 1, forged],
        ["u", "join", at_leaf(leaf)],
        ["u", "call", "observatory.outpost", "get_api", forged],
        ["h", "join", at_hub(leaf, "", "hub")],
        ["h", "call", "observatory.thermo", "get_api", forged],
        ["f", "join", at_hub(leaf, "", "far")],
        ["f", "call", "observatory.thermo", "get_api", forged],
        [
            "x",
            "join",
            at_leaf(leaf) | {"authid": "x@far", "secret": leaf.ticket("x", "far").secret},
        ],
    )
    assert answers[3][1] == "host"
    assert answers[3][0].startswith("unix:root")
    for place in (1, 2, 4, 6, 8):
        assert NAME_OF_ANOTHER in answers[place], place
    assert "the ticket of x@far is wrong" in answers[9]


@pytest.mark.parametrize(
    ("authid", "role"),
    [
        ("hub", "host"),
        ("far", "host"),
        ("thermo", "agent"),
        ("distant", "agent"),
        ("outpost", "director"),
        ("leaf", "ocs-bridge"),
        ("", "admin"),
        ("otto", "no such role"),
        ("tcp4:10.0.0.5:22", "admin"),
    ],
)
def test_who_has_the_key_of_the_leaf_is_nobody_of_another_host(leaf, authid, role):
    answers = perform(
        ["b", "join", at_hub(leaf, "", "leaf")],
        ["b", "call", "observatory.thermo", "get_api", for_somebody(authid, role)],
        ["b", "register", "observatory.thermo.mine"],
        ["b", "publish", "observatory.thermo.feeds.heartbeat", 1],
        ["b", "register", "observatory.", {"match": "prefix"}],
    )
    assert answers[0] == ["leaf", "host"]
    assert NAME_OF_ANOTHER in answers[1]
    assert not [answer for answer in answers[2:] if answer is True]


def test_what_the_director_says_reaches_agents_of_the_leaf_only(leaf, logged_in):
    controls = "observatory.director.feeds.controls"
    director = {"agent-class": "AccessDirector", "instance-id": "director", "manage": "ignore"}
    rows = [each for each in leaf.hosts["hub"]["agent-instances"] if each != director]
    leaf.write(*rows, director, crossbar={})
    for host in ("hub", "leaf"):
        assert leaf.ocsd("reload", "--host", host).returncode == 0
    join = ["d", "join", at_hub(leaf, "director", "hub")]
    wait_until(lambda: perform(join)[0] == ["director", "director"], "the director's role")

    def heard():
        answers = perform(
            ["a", "join", at_leaf(leaf, "outpost3")],
            ["a", "subscribe", controls],
            ["u", "join", at_leaf(leaf)],
            ["u", "subscribe", "observatory.", {"match": "prefix"}],
            join,
            ["", "wait", 1.0],
            ["d", "publish", controls, 1],
            ["", "wait", 1.0],
            ["a", "heard"],
            ["u", "heard"],
            ["a", "publish", controls, 1],
        )
        assert answers[10] is not True
        assert controls not in answers[9]
        return answers[8] == [controls]

    wait_until(heard, "the message of the director at the leaf")


def test_the_hub_writes_down_who_it_was(leaf):
    def entry():
        audit = json.loads(leaf.ocsd("audit", "--host", "hub", "--json").stdout)
        return [
            each
            for each in audit["entries"]
            if each.get("person") == "nobody@leaf" and each.get("role") == "operator"
        ]

    # Agents report what they are asked for to the daemon, which writes it down.
    wait_until(entry, "the entry of the user of the leaf")


def test_the_leaf_works_on_while_the_hub_is_away(leaf):
    os.kill(leaf.status("hub")["router"]["pid"], signal.SIGKILL)
    done = leaf.ocsd("call", "--host", "leaf", "outpost", "delay_task", "delay=0.01")
    assert done.returncode == 0, done.stderr
    joined(leaf)

    def called():
        with contextlib.suppress(ControlClientError):
            return leaf.ocsd("call", "--host", "hub", "outpost", "delay_task").returncode == 0

    wait_until(called, "a call from the hub")


@pytest.mark.interop
def test_the_published_client_drives_an_agent_of_the_leaf_through_the_closed_hub(leaf, ocs_python):
    secret = f"https://{leaf.url}/call-{SECRETS['script']}"
    hub = {"wamp_server": f"wss://{leaf.url}/ws", "wamp_http": secret, "wamp_realm": "test_realm"}
    rows = [{"agent-class": "FakeDataAgent", "instance-id": "outpost"}]
    file = leaf.folder / "published.yaml"
    hub["address_root"] = "observatory"
    file.write_text(yaml.safe_dump({"hub": hub, "hosts": {"desk": {"agent-instances": rows}}}))
    done = subprocess.run(
        [ocs_python, "-c", OCS_CLIENT, "--site-file", file, "--site-host", "desk"],
        env={**os.environ, "REQUESTS_CA_BUNDLE": leaf.ca_file},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    started, waited = json.loads(done.stdout)
    assert started[0] == 0, started
    assert waited[2]["success"]


def test_the_hub_hears_over_the_bridge_that_the_leaf_is_stopped(leaf):
    assert leaf.ocsd("stop", "--host", "leaf").returncode == 0

    def told():
        shown = leaf.ocsd("status", "--site", "--host", "hub").stdout
        return "host 'leaf' was stopped at" in shown and " by root" in shown

    wait_until(told, "the hub to say so")
