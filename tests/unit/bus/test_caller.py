"""The router's facts about a caller are kept apart from the caller's own words."""

from types import SimpleNamespace
from unittest import mock

import pytest

from ocsd.bus import caller
from ocsd.bus.caller import BRIDGE_ROLE, UNKNOWN_CLIENT, caller_of
from ocsd.bus.wamp import ApplicationSession, Event, Invocation, RouterLink


def told(authid, role="ocs", session=7):
    """Return the caller that a router names."""
    return caller_of(SimpleNamespace(caller=session, caller_authid=authid, caller_authrole=role))


@pytest.mark.parametrize(
    ("authid", "shown"),
    [
        ("tcp4:10.0.0.5:53122 ocsd (simon@grumpy)", "simon@grumpy (ocsd), from 10.0.0.5"),
        ("tcp6:fe80::1:53122 ocsd (simon@grumpy)", "simon@grumpy (ocsd), from fe80::1"),
        (
            "tcp:10.0.0.5:1 Mozilla/5.0 (X11; Linux)",
            "a client (Mozilla/5.0 (X11; Linux)), from 10.0.0.5",
        ),
        ("tcp4:10.0.0.5:53122", "a client, from 10.0.0.5"),
        ("unix thermo (ocs@grumpy)", "ocs@grumpy (thermo), from this machine"),
        ("unix:/run/r.sock thermo (ocs@grumpy)", "ocs@grumpy (thermo), from this machine"),
        ("HJ4K-QWER", "a client, authid HJ4K-QWER"),
        ("unix-admin (root@boss)", "a client, authid unix-admin (root@boss)"),
        (None, "a client"),
        ("", "a client"),
    ],
)
def test_a_caller_is_shown_by_its_words_and_its_address(authid, shown):
    assert str(told(authid)) == shown


def test_a_closed_router_vouches_for_the_user_at_its_socket():
    found = told("unix:alice ocsd (eve@grumpy)", "operator")
    assert (found.authid, found.peer, found.words) == ("alice", "unix:alice", "ocsd (eve@grumpy)")
    assert str(found) == "alice (operator), from this machine"


@pytest.mark.parametrize("details", [None, SimpleNamespace(caller=None)])
def test_a_router_that_tells_nothing_leaves_the_client_unknown(details):
    assert caller_of(details) == UNKNOWN_CLIENT
    assert str(UNKNOWN_CLIENT) == "an unknown client"
    assert UNKNOWN_CLIENT.as_json() == {"name": "an unknown client", "says": "", "router": None}


def test_on_record_facts_and_words_are_apart():
    record = told("tcp:10.0.0.5:1 ocsd (simon@grumpy)", BRIDGE_ROLE).as_json()
    assert record["says"] == "ocsd (simon@grumpy)"
    assert record["router"] == {
        "session": 7,
        "authid": "",
        "authrole": "ocs-bridge",
        "peer": "tcp:10.0.0.5:1",
    }


def test_words_have_one_line_of_bounded_length():
    words = "\x1b[31mred\nroot@boss" + 1000 * "x"
    assert caller.authid_of("tcp4:10.0.0.5:1", words).startswith(
        "tcp4:10.0.0.5:1 [31mred root@boss"
    )
    assert len(told(f"tcp4:10.0.0.5:1 {words}").words) == caller.LONGEST_WORDS


@pytest.mark.parametrize("greeting", [None, {}, {"client": ""}, [], "text"])
def test_without_a_greeting_the_header_counts(greeting):
    assert caller.words_of(greeting, {"user-agent": "curl/8.5"}) == "curl/8.5"
    assert caller.words_of(greeting, {}) == ""


def test_this_process_says_program_user_and_host(monkeypatch):
    monkeypatch.setenv("LOGNAME", "simon")
    monkeypatch.setattr("socket.gethostname", lambda: "grumpy")
    monkeypatch.setattr("sys.argv", ["/usr/bin/ocs-client-cli", "shell"])
    assert caller.own_words() == "ocs-client-cli (simon@grumpy)"
    assert caller.greeting("thermo1") == {"client": "thermo1 (simon@grumpy)"}
    monkeypatch.setattr("sys.argv", ["-c"])
    assert caller.own_words().startswith("python ")


def test_a_user_without_a_name_is_its_number(monkeypatch):
    monkeypatch.setattr("getpass.getuser", lambda: (_ for _ in ()).throw(KeyError("uid")))
    monkeypatch.setattr("os.getuid", lambda: 4321)
    assert "(4321@" in caller.own_words("x")


def session(number, role, authid=None):
    return {"session": number, "authid": authid or f"client-{number}", "authrole": role}


@pytest.mark.parametrize(
    ("chain", "number"),
    [
        ([session(1, "admin"), session(2, "ocs")], 2),
        ([session(1, "admin"), session(2, BRIDGE_ROLE), session(3, "viewer")], 3),
        ([session(1, "admin"), session(2, "viewer"), session(3, BRIDGE_ROLE)], 2),
        ([session(1, "admin"), session(2, "viewer"), session(3, "host")], 2),
        ([session(3, BRIDGE_ROLE)], 3),
        ([session(3, "host")], 3),
        ([session(3, "agent")], 3),
    ],
)
def test_the_true_sender_is_the_one_that_the_router_adds(chain, number):
    assert caller.true_sender(chain)["session"] == number


def delivered(msg):
    """Return a message as autobahn gets it from our link."""
    link = RouterLink("test_realm", owner=None)
    seen = []
    with mock.patch.object(ApplicationSession, "onMessage", lambda _self, msg: seen.append(msg)):
        link.onMessage(msg)
    return seen[0]


def test_a_forged_caller_and_publisher_do_not_reach_an_agent():
    chain = [session(1, "admin", "boss"), session(2, "ocs", "stranger")]
    call = delivered(
        Invocation(5, 6, caller=1, caller_authid="boss", caller_authrole="admin", forward_for=chain)
    )
    assert (call.caller, call.caller_authid, call.caller_authrole) == (2, "stranger", "ocs")
    event = delivered(
        Event(
            5,
            6,
            publisher=1,
            publisher_authid="boss",
            publisher_authrole="admin",
            forward_for=chain,
        )
    )
    names = (event.publisher, event.publisher_authid, event.publisher_authrole)
    assert names == (2, "stranger", "ocs")


def test_a_sender_that_claims_nothing_stays_as_the_router_names_it():
    call = Invocation(5, 6, caller=1, caller_authid="otto", caller_authrole="operator")
    assert delivered(call).caller_authid == "otto"
