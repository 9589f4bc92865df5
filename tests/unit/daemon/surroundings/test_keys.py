"""The daemon looks after the keys: it renews certificates, and starts no router without keys."""

import time

import pytest
from twisted.internet.task import Clock

from ocsd.access import making, private_files
from ocsd.access.certificates import described
from ocsd.access.store import AccessStore
from ocsd.daemon.surroundings import keys
from ocsd.daemon.surroundings.keys import KeyWatch, refuse_without_keys
from ocsd.errors import AccessFilesError
from ocsd.site.model import Hub
from ocsd.site.supervision import Web
from ocsd.system.paths import HostPaths

URL = "wss://control.example:8443/ws"
CLOSED = Hub(access="closed", wamp_server=URL)
OPEN = Hub(wamp_server="ws://control.example:8001/ws")
BESIDE = Hub(wamp_server="ws://control.example:8001/ws", wamp_tls=URL)


@pytest.fixture
def places(tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "deferToThread", _at_once)
    made = HostPaths("control", tmp_path / "run", tmp_path / "state", tmp_path / "log")
    made.create()
    return made


def _at_once(function):
    from twisted.internet.defer import maybeDeferred

    return maybeDeferred(function)


def make(places, age_days=0, host="control"):
    now_at = time.time() - age_days * 86400
    making.make_site(places.access, host, URL, ["page.example"], now_at)
    return AccessStore(places.access)


def watched(places, hub):
    watch = KeyWatch(hub, places, Web(listen="page.example:8002"), Clock())
    watch.start()
    return watch.as_json([])


def test_an_open_site_without_keys_has_nothing_to_look_after(places):
    assert watched(places, OPEN) == {"hub": "open", "warnings": []}


@pytest.mark.parametrize("hub", [CLOSED, BESIDE])
def test_a_host_that_lacks_its_keys_says_so(places, hub):
    (warning,) = watched(places, hub)["warnings"]
    assert warning.startswith(f"this host has no keys for {URL}")


def test_an_old_certificate_is_renewed_with_all_its_names(places):
    store = make(places, 300)
    before = store.router()
    assert watched(places, CLOSED) == {"hub": "closed", "warnings": []}
    after = store.router()
    assert after.key != before.key
    assert described(after.certificate).until_at > described(before.certificate).until_at
    assert described(after.certificate).names == described(before.certificate).names


def test_a_new_certificate_is_left_alone(places):
    store = make(places)
    before = store.router()
    watched(places, CLOSED)
    assert store.router() == before


def test_files_that_cannot_be_used_are_a_warning(places):
    make(places)
    (places.access / "router.key").chmod(0o644)
    (warning,) = watched(places, CLOSED)["warnings"]
    assert "router.key has mode 0644" in warning


def test_a_router_of_an_open_site_needs_no_keys(places):
    refuse_without_keys(OPEN, places)


def test_a_router_with_sound_keys_may_start(places):
    make(places)
    refuse_without_keys(CLOSED, places)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda folder: folder.rename(folder.with_name("gone")), "does not start open instead"),
        (lambda folder: (folder / "router.pem").unlink(), "there is no .*router.pem"),
        (lambda folder: (folder / "secret").chmod(0o640), "secret has mode 0640"),
        (lambda folder: private_files.write(folder / "users.json", b"{"), "users.json is damaged"),
        (lambda folder: (folder / "hosts.json").unlink(), "there is no .*hosts.json"),
    ],
)
def test_a_router_without_sound_keys_does_not_start(places, spoil, words):
    make(places)
    spoil(places.access)
    with pytest.raises(AccessFilesError, match=words):
        refuse_without_keys(CLOSED, places)


def test_keys_of_another_host_are_not_used(places):
    make(places, host="lab-2")
    with pytest.raises(AccessFilesError, match="are for host 'lab-2', not 'control'"):
        refuse_without_keys(CLOSED, places)
