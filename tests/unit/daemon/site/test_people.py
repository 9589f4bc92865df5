"""The people on other hosts for whom the router brings a request."""

import pytest

from ocsd.bus.caller import Caller
from ocsd.daemon.api.askers import Asker, refuse
from ocsd.daemon.site.people import asker_of, claim_of, is_daemon, refuse_strangers_files
from ocsd.errors import NotPermittedError

OTTO = Caller(7, "otto", "operator")
HOST = Caller(8, "lab-1", "host")
LOCAL = Asker("simon (uid 1000, pid 4)", "simon", "expert", "this machine, uid 1000, pid 4")


def test_a_person_on_a_closed_site_has_the_role_of_the_router():
    asker = asker_of(OTTO, {"person": "eva", "role": "admin"}, is_closed=True)
    assert (asker.person, asker.role) == ("otto", "operator")


def test_a_host_of_a_closed_site_speaks_for_its_people():
    asker = asker_of(HOST, claim_of(LOCAL, "lab-1"), is_closed=True)
    assert (asker.person, asker.role) == ("simon", "expert")
    assert asker.address == "host lab-1, uid 1000, pid 4"
    assert asker.text == "simon, from host lab-1, uid 1000, pid 4, through the site's router"


def test_a_host_itself_is_its_owner():
    asker = asker_of(HOST, None, is_closed=True)
    assert (asker.person, asker.role, asker.address) == ("lab-1", "admin", "host lab-1")


@pytest.mark.parametrize("role", ["agent", "director", "ocs", ""])
def test_agents_and_strangers_may_nothing_on_a_closed_site(role):
    asker = asker_of(Caller(9, "thermo1", role), {"person": "eva", "role": "admin"}, is_closed=True)
    with pytest.raises(NotPermittedError):
        refuse(asker, "status")


def test_on_an_open_site_a_claim_is_the_clients_word():
    client = Caller(3, "tcp4:10.0.0.5:53122 ocsd (simon@lab-1)", "ocs", "tcp4:10.0.0.5:53122")
    asker = asker_of(client, claim_of(LOCAL, "lab-1"), is_closed=False)
    assert (asker.person, asker.role) == ("simon", "")
    assert "10.0.0.5" in asker.says
    assert asker_of(client, None, is_closed=False).person == str(client)


def test_a_site_file_comes_over_no_open_router_that_others_reach():
    for closed, local, takes in ((True, False, False), (False, True, False), (False, False, True)):
        refuse_strangers_files(closed, local, takes)
    with pytest.raises(NotPermittedError, match="take_files: true"):
        refuse_strangers_files(is_closed=False, is_local=False, takes_files=False)


def test_only_a_daemon_says_that_an_address_is_its_own():
    assert is_daemon(HOST, {}, is_closed=True)
    assert not is_daemon(OTTO, {}, is_closed=True)
    assert not is_daemon(HOST, {"caller": claim_of(LOCAL, "lab-1")}, is_closed=True)
    assert not is_daemon(OTTO, {"caller": claim_of(LOCAL, "lab-1")}, is_closed=False)
    assert is_daemon(OTTO, {}, is_closed=False)
