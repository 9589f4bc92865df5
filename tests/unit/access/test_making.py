"""All keys of a site are made, or none; rotating makes the old ones worthless."""

import pytest

from ocsd.access import bundle as bundles
from ocsd.access import making
from ocsd.access.certificates import described, faults
from ocsd.access.records import CapabilityUrl
from ocsd.access.store import AccessStore
from ocsd.access.tickets import Login, host_key, is_right, ticket_of
from ocsd.errors import AccessFilesError, OcsdError

URL = "wss://control.example:8443/ws"


@pytest.fixture
def store(tmp_path):
    making.make_site(tmp_path / "access", "control", URL, ["10.0.0.5"], 1e9)
    return AccessStore(tmp_path / "access")


def generations(store):
    return {name: each.generation for name, each in store.hosts().items()}


def test_a_new_site_has_everything(store):
    identity = store.identity()
    assert (identity.host, identity.is_hub, identity.hub) == ("control", True, URL)
    assert store.people() == store.urls() == {}
    assert list(store.hosts()) == ["control"]
    names = ("control.example", "10.0.0.5", "localhost", "127.0.0.1", "::1")
    assert described(store.router().certificate).names == names
    authority = store.authority_certificate()
    assert list(faults(store.router(), authority, "control.example", 1e9)) == []
    login = Login("thermo1", "control")
    assert is_right(store.secret(), generations(store), login, ticket_of(store.host_key(), login))


def test_keys_are_never_overwritten(store):
    before = store.identity()
    with pytest.raises(AccessFilesError, match="is not overwritten"):
        making.make_site(store.folder, "control", URL, [], 2e9)
    assert store.identity() == before
    assert [each.name for each in store.folder.parent.iterdir()] == ["access"]


def test_nothing_is_left_of_keys_that_could_not_be_made(tmp_path):
    with pytest.raises(ValueError, match="label"):
        making.make_site(tmp_path / "access", "control", "wss://" + "a" * 70, [], 1e9)
    assert list(tmp_path.iterdir()) == []


def test_the_key_of_a_host_stays_until_it_is_rotated(store):
    first = bundles.admit(store, "lab-2", 1e9)
    assert bundles.admit(store, "lab-2", 2e9) == first
    assert bundles.admit(store, "lab-2", 2e9, anew=True).generation != first.generation


def test_a_host_that_was_removed_comes_back_with_another_key(store):
    login = Login("", "lab-2")
    first = bundles.admit(store, "lab-2", 1e9)
    ticket = ticket_of(host_key(store.secret(), "lab-2", first.generation), login)
    assert is_right(store.secret(), generations(store), login, ticket)
    assert bundles.forget_host(store, "lab-2")
    assert not bundles.forget_host(store, "lab-2")
    assert not is_right(store.secret(), generations(store), login, ticket)
    bundles.admit(store, "lab-2", 1e9)
    assert not is_right(store.secret(), generations(store), login, ticket)


def test_a_url_stays_until_it_is_rotated(store):
    url = CapabilityUrl.new("agent", "agent", "lakeshore1", 1e9)
    assert store.keep_url("lakeshore1", url) == url
    other = CapabilityUrl.new("agent", "agent", "lakeshore1", 2e9)
    assert store.keep_url("lakeshore1", other) == url
    assert store.keep_url("lakeshore1", other, anew=True) == other


def test_a_url_does_not_change_its_rights_unnoticed(store):
    store.keep_url("web", CapabilityUrl.new("client", "viewer", "web", 1e9))
    with pytest.raises(
        OcsdError, match=r"client, role viewer.*ocsd access client-url web --remove"
    ):
        store.keep_url("web", CapabilityUrl.new("client", "admin", "web", 1e9))


def test_rotating_all_makes_every_secret_anew(store):
    bundles.admit(store, "lab-2", 1e9)
    store.keep_url("web", CapabilityUrl("client", "viewer", "web", "old", 1e9))
    before = (store.secret(), store.authority(), store.router(), generations(store))
    making.rotate_all(store, ["control.example"], 2e9)
    after = (store.secret(), store.authority(), store.router(), generations(store))
    assert all(old != new for old, new in zip(before, after, strict=True))
    assert store.urls()["web"].secret != "old"
    authority = store.authority_certificate()
    assert list(faults(store.router(), authority, "control.example", 2e9)) == []
