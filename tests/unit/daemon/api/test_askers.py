"""The clients of the control API: their names, and what they may ask for on a closed site."""

import os

import pytest

from ocsd.access.local import local_roles, role_of_local
from ocsd.daemon.api.askers import LEAST_ROLES, Asker, Askers, refuse
from ocsd.errors import AccessFilesError, NotPermittedError
from ocsd.system.peer import Peer

CALLER = {"person": "vera", "role": "viewer", "address": "10.0.0.5"}


def of(peer, body=None, **options):
    return Askers(**options)._of(peer, body or {})


def test_on_an_open_site_everybody_may_everything():
    asker = of(Peer(4121, 4000, 4000))
    assert (asker.role, asker.says) == ("", "")
    for action in LEAST_ROLES:
        refuse(asker, action)


def test_a_program_says_for_whom_it_asks_and_nobody_vouches_for_that():
    asker = of(Peer(4121, 0, 0), {"by": "alice\nof the page"})
    assert asker.text.startswith("alice of the page, through root (uid 0, pid 4121)")
    assert (asker.person, asker.says) == ("root", "alice of the page")


@pytest.mark.parametrize(
    ("uid", "role"), [(0, "admin"), (997, "admin"), (4000, "operator"), (4001, "viewer")]
)
def test_owner_and_root_are_admins_and_the_group_operators(uid, role):
    name = {4001: "bob"}.get(uid, "alice")
    assert role_of_local(uid, name, 997, {"bob": "viewer"}) == role


VIEWER = "status events hooks alarms site"
ON_ALARMS = "alarms/ack alarms/silence alarms/unsilence alarms/test"
OPERATOR = f"{VIEWER} up down restart audit {ON_ALARMS}"


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("viewer", VIEWER),
        ("operator", OPERATOR),
        ("expert", f"{OPERATOR} reload hook file take_file put_back"),
        ("admin", " ".join(LEAST_ROLES)),
        ("agent", ""),
    ],
)
def test_each_role_may_what_the_table_says(role, allowed):
    asker = Asker("", "vera", role, "")
    for action in LEAST_ROLES:
        if action in allowed.split():
            refuse(asker, action)
        else:
            with pytest.raises(NotPermittedError, match="vera is"):
                refuse(asker, action)


def test_the_page_asks_with_the_rights_of_the_person():
    closed = {"is_closed": lambda: True, "is_page": lambda pid: pid == 77}
    page = Peer(77, 0, 0)
    asker = of(page, {"caller": CALLER, "by": "ignored"}, **closed)
    assert (asker.person, asker.role, asker.address) == ("vera", "viewer", "10.0.0.5")
    assert of(page, {"caller": None}, **closed).role == "viewer"
    # Another process of the same user cannot take less, nor somebody else's name.
    assert of(Peer(78, 0, 0), {"caller": CALLER}, **closed).person == "root"


def test_a_wrong_file_of_roles_is_refused_but_to_those_who_can_mend_it(tmp_path):
    folder = tmp_path / "access"
    folder.mkdir(mode=0o700)
    assert local_roles(folder) == {}
    file = folder / "unix.json"
    for text, word in (("{", "not JSON"), ("[]", "no object"), ('{"bob": "king"}', "king")):
        file.write_text(text)
        file.chmod(0o600)
        with pytest.raises(AccessFilesError, match=word):
            local_roles(folder)
    file.write_text('{"bob": "expert"}')
    assert local_roles(folder) == {"bob": "expert"}
    file.chmod(0o664)
    with pytest.raises(AccessFilesError, match="mode 0664"):
        local_roles(folder)
    closed = {"is_closed": lambda: True, "roles": lambda: local_roles(folder)}
    assert of(Peer(1, 0, 0), owner_uid=os.getuid(), **closed).role == "admin"
    with pytest.raises(AccessFilesError):
        of(Peer(1, 4000, 4000), owner_uid=os.getuid(), **closed)
