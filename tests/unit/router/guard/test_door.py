"""Who may come in."""

from dataclasses import replace

import pytest

from ocsd.access.rules import Party
from ocsd.access.tickets import Login, host_key, ticket_of
from ocsd.router.guard.door import (
    Admitted,
    Applicant,
    Denied,
    Door,
    Premises,
    Unproven,
    at_door,
    of_person,
    with_ticket,
)
from ocsd.router.guard.urls import secret_of

SECRET = b"s" * 32
CLOSED = Premises(
    host="hub",
    owner_uid=1000,
    is_closed=True,
    homes={"thermo": "hub"},
    directors=frozenset({"dir"}),
    generations={"hub": 1, "far": 2},
    secret=SECRET,
)
OPEN = Premises(host="hub", owner_uid=1000, is_closed=False)


def ticket(instance_id, host, generation=None):
    generation = generation or CLOSED.generations[host]
    return ticket_of(host_key(SECRET, host, generation), Login(instance_id, host))


def party(decision):
    assert isinstance(decision, Admitted), decision
    return decision.party


@pytest.mark.parametrize(
    ("uid", "role"), [(0, "host"), (1000, "host"), (1001, "operator"), (None, None)]
)
def test_the_kernel_tells_who_is_at_the_unix_socket(uid, role):
    decision = at_door(CLOSED, Applicant(Door.SOCKET, "unix:simon", uid=uid, user="simon"))
    if role is None:
        assert isinstance(decision, Denied)
    else:
        assert party(decision) == Party("unix:simon", role)


def test_the_files_may_give_a_user_of_this_machine_another_role():
    premises = replace(CLOSED, users={"alice": "viewer", "root": "viewer"})
    decision = at_door(premises, Applicant(Door.SOCKET, "unix:alice", uid=1001, user="alice"))
    assert decision == Admitted(Party("unix:alice", "viewer"), basis="user alice")
    root = at_door(premises, Applicant(Door.SOCKET, "unix:root", uid=0, user="root"))
    assert party(root).role == "host"


def test_characters_that_no_text_has_are_no_proof():
    login = Login("x\ud800", "hub\ud800")
    assert isinstance(with_ticket(CLOSED, login, "\ud800"), Denied)


def test_nobody_comes_in_over_tls_without_a_login():
    decision = at_door(CLOSED, Applicant(Door.TLS, "10.0.0.9"))
    assert "log in with a name and a password" in decision.reason
    assert isinstance(at_door(CLOSED, Applicant(Door.TLS, "10.0.0.9", "otto")), Unproven)


@pytest.mark.parametrize("door", [Door.OPEN, Door.SOCKET])
def test_everybody_comes_in_at_the_open_doors_of_an_open_site(door):
    assert party(at_door(OPEN, Applicant(door, "10.0.0.9"))) == Party("10.0.0.9", "ocs")


def test_the_encrypted_port_of_an_open_site_asks_for_a_login():
    assert isinstance(at_door(OPEN, Applicant(Door.TLS, "10.0.0.9")), Denied)


def test_tickets_admit_agents_directors_and_daemons():
    for login, role in (("thermo@hub", "agent"), ("dir@hub", "director"), ("new@far", "agent")):
        name, _, host = login.partition("@")
        decision = with_ticket(CLOSED, Login(name, host), ticket(name, host))
        assert party(decision) == Party(name, role)
    assert party(with_ticket(CLOSED, Login("", "far"), ticket("", "far"))) == Party("far", "host")


@pytest.mark.parametrize(
    ("login", "proof"),
    [
        (Login("thermo", "hub"), "wrong"),
        (Login("thermo", "hub"), ticket("other", "hub")),
        (Login("new", "far"), ticket("new", "far", generation=1)),
        (Login("new", "gone"), ticket_of(host_key(SECRET, "gone", 1), Login("new", "gone"))),
    ],
)
def test_other_tickets_are_refused_with_the_next_step(login, proof):
    decision = with_ticket(CLOSED, login, proof)
    assert f"ocsd access host {login.host}" in decision.reason


def test_a_host_cannot_make_an_agent_of_another_one():
    decision = with_ticket(CLOSED, Login("thermo", "far"), ticket("thermo", "far"))
    assert "'thermo' is an instance of host 'hub'" in decision.reason


def test_a_role_of_programs_is_none_of_a_person():
    assert isinstance(of_person("eve", "trusted", ""), Denied)
    assert isinstance(of_person("eve", "host", ""), Denied)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/k-abc", ("k-", "abc")),
        ("c-abc", ("c-", "abc")),
        ("/call-abc/", ("call-", "abc")),
        ("/call", ("", "")),
        ("/ws", ("", "")),
        ("/k-", ("", "")),
    ],
)
def test_the_path_of_a_capability_url_has_its_kind_and_its_secret(path, found):
    assert secret_of(path) == found
