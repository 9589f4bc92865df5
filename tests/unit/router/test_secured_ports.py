"""The ports of a router whose site has keys."""

from pathlib import Path

import pytest

from ocsd.errors import RouterError
from ocsd.router import config
from ocsd.router.guard.facts import GUARD_VARIABLE, GuardFacts, read
from ocsd.router.transports import Secured
from ocsd.site.model import Hub

SOCKET = Path("/run/ocsd/lab/router.sock")
KEYS = Secured(Path("/k/router.pem"), Path("/k/router.key"))
CLOSED = Hub(access="closed", wamp_server="wss://hub.example:8443/ws")
BOTH = Hub(wamp_server="ws://hub.example:8001/ws", wamp_tls="wss://hub.example:8443/ws")


def worker(hub):
    found = config.node_config(hub, SOCKET, KEYS, find=lambda *_: ["10.0.0.5"])
    return found["workers"][0]


def ports(hub):
    """Return address, port, and whether it has TLS, of each port."""
    ends = [each["endpoint"] for each in worker(hub)["transports"]]
    tcp = [each for each in ends if each["type"] == "tcp"]
    return [(each["interface"], each["port"], "tls" in each) for each in tcp]


def test_a_closed_site_has_one_port_and_that_is_encrypted():
    assert ports(CLOSED) == [("10.0.0.5", 8443, True)]


def test_a_site_that_moves_has_both():
    assert ports(BOTH) == [
        ("10.0.0.5", 8443, True),
        ("10.0.0.5", 8001, False),
        ("127.0.0.1", 8001, False),
    ]


def test_programs_of_this_machine_have_two_sockets_and_the_one_for_agents_is_the_last():
    ends = [each["endpoint"] for each in worker(CLOSED)["transports"]]
    sockets = [each["path"] for each in ends if each["type"] == "unix"]
    assert sockets == ["/run/ocsd/lab/http.sock", str(SOCKET)]


@pytest.mark.parametrize("hub", [CLOSED, BOTH])
def test_nobody_has_rights_without_the_guard(hub):
    roles = worker(hub)["realms"][0]["roles"]
    assert {"ocs", "ocs-bridge", "viewer", "agent"} <= {each["name"] for each in roles}
    assert not any(each["permissions"] for each in roles)


def test_messages_and_handshakes_have_limits():
    web = worker(CLOSED)["transports"][0]
    assert web["max_connections"]
    assert web["paths"]["ws"]["options"]["open_handshake_timeout"]
    assert web["paths"]["ws"]["options"]["max_message_size"] == 2**24


def test_only_our_own_crossbar_runs_a_guarded_router(tmp_path):
    own = config.start(config.find_crossbar(None), tmp_path, is_guarded=True)
    assert own.environment[GUARD_VARIABLE] == str(tmp_path / "guard.json")
    with pytest.raises(RouterError, match="/bin/true cannot run the router of a site with keys"):
        config.start("/bin/true", tmp_path, is_guarded=True)


def test_the_facts_for_the_guard_are_those_that_it_reads(tmp_path):
    facts = GuardFacts("/k", "hub", "r", "lab", "ws", "call", True, {"a": "hub"}, ("d",))
    assert read(facts.write(tmp_path)) == facts
