"""Tickets follow from the secret of the site, and from nothing else."""

import pytest

from ocsd.access.tickets import Login, host_key, is_right, login_of, ticket_of

SECRET = b"s" * 32
HOSTS = {"grumpy": 1, "lab-2": 3}
THERMO, DAEMON = Login("thermo1", "lab-2"), Login("", "lab-2")


@pytest.mark.parametrize("login", [THERMO, DAEMON])
def test_a_ticket_made_with_the_key_of_its_host_is_right(login):
    ticket = ticket_of(host_key(SECRET, "lab-2", 3), login)
    assert is_right(SECRET, HOSTS, login, ticket)
    assert len(ticket) == 43


@pytest.mark.parametrize(
    "ticket",
    [
        "",
        "ä",
        "\udc80",
        ticket_of(host_key(SECRET, "lab-2", 2), THERMO),
        ticket_of(host_key(SECRET, "grumpy", 3), THERMO),
        ticket_of(host_key(b"t" * 32, "lab-2", 3), THERMO),
        ticket_of(host_key(SECRET, "lab-2", 3), DAEMON),
        ticket_of(host_key(SECRET, "lab-2", 3), Login("thermo2", "lab-2")),
        ticket_of(host_key(SECRET, "lab-2", 3), THERMO) + "=",
    ],
)
def test_every_other_ticket_is_wrong(ticket):
    assert not is_right(SECRET, HOSTS, THERMO, ticket)


def test_a_host_that_is_not_of_the_site_has_no_right_ticket():
    login = Login("thermo1", "elsewhere")
    for generation in (0, 1):
        ticket = ticket_of(host_key(SECRET, "elsewhere", generation), login)
        assert not is_right(SECRET, HOSTS, login, ticket)


def test_a_login_is_read_back():
    assert login_of("thermo1@lab-2") == THERMO
    assert login_of("@lab-2") == DAEMON
    assert (str(DAEMON), DAEMON.name, THERMO.name) == ("@lab-2", "lab-2", "thermo1")


@pytest.mark.parametrize("authid", ["", "vera", "vera@", "@"])
def test_the_name_of_a_person_is_no_login_of_a_program(authid):
    assert login_of(authid) is None
