"""A bundle makes one host, and no other, a part of one site."""

import json

import pytest

from ocsd.access import bundle as bundles
from ocsd.access import making
from ocsd.access.bundle import bundle_for, join, read_bundle, refusal_of
from ocsd.access.store import AccessStore
from ocsd.access.tickets import Login, is_right, ticket_of
from ocsd.errors import AccessFilesError

URL = "wss://control.example:8443/ws"
DAY_S = 86400


@pytest.fixture
def hub(tmp_path):
    making.make_site(tmp_path / "hub", "control", URL, [], 1e9)
    store = AccessStore(tmp_path / "hub")
    bundles.admit(store, "lab-2", 1e9)
    return store


@pytest.fixture
def bundle(hub):
    return bundle_for(hub, "lab-2", URL, 1e9, (b"certificate", b"page key"))


def test_a_bundle_lets_the_agents_of_its_host_join(hub, bundle, tmp_path):
    file = tmp_path / "bundle"
    file.write_bytes(bundle.as_bytes())
    store = AccessStore(tmp_path / "lab-2")
    join(store, read_bundle(file), 1e9)
    identity = store.identity()
    assert (identity.host, identity.is_hub, identity.site) == ("lab-2", False, hub.identity().site)
    assert store.authority_certificate() == hub.authority_certificate()
    assert (store.folder / "web.key").read_bytes() == b"page key"
    login = Login("thermo1", "lab-2")
    generations = {name: each.generation for name, each in hub.hosts().items()}
    assert is_right(hub.secret(), generations, login, ticket_of(store.host_key(), login))
    assert not (store.folder / "secret").exists()
    assert not (store.folder / "ca.key").exists()


def test_a_new_bundle_replaces_the_old_one(hub, bundle, tmp_path):
    store = AccessStore(tmp_path / "lab-2")
    join(store, bundle, 1e9)
    before = store.host_key()
    bundles.admit(hub, "lab-2", 2e9, anew=True)
    join(store, bundle_for(hub, "lab-2", URL, 2e9), 2e9)
    assert store.host_key() != before


def refusal(bundle, host="lab-2", url=URL, known=None, now_at=1e9):
    return refusal_of(bundle, host, url, known, now_at)


def test_a_right_bundle_is_not_refused(bundle, tmp_path):
    assert refusal(bundle) is None
    assert refusal(bundle, url=None) is None
    store = AccessStore(tmp_path / "lab-2")
    join(store, bundle, 1e9)
    assert refusal(bundle, known=store.identity(), now_at=1e9 + 6 * DAY_S) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"host": "lab-3"}, "is for host 'lab-2', and this is 'lab-3'; make one on the router"),
        ({"url": "wss://other:1/ws"}, "the site file here has wss://other:1/ws; correct"),
        ({"now_at": 1e9 + 8 * DAY_S}, "has expired on 2001-09-16"),
        ({"now_at": 1e9 - DAY_S}, "by this machine's clock; set the clock"),
    ],
)
def test_each_fault_is_told_in_a_sentence(bundle, change, words):
    assert words in refusal(bundle, **change)


def test_a_bundle_of_another_site_is_refused(bundle, tmp_path):
    making.make_site(tmp_path / "other", "control", URL, [], 1e9)
    other = AccessStore(tmp_path / "other")
    bundles.admit(other, "lab-2", 1e9)
    store = AccessStore(tmp_path / "lab-2")
    join(store, bundle_for(other, "lab-2", URL, 1e9), 1e9)
    assert "this host is a part of site" in refusal(bundle, known=store.identity())


def test_the_host_of_the_router_needs_no_bundle(hub):
    bundles.admit(hub, "control", 1e9)
    bundle = bundle_for(hub, "control", URL, 1e9)
    assert "needs no bundle" in refusal(bundle, host="control", known=hub.identity())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-20],
        lambda text: "",
        lambda text: "[]",
        lambda text: "[" * 100_000,
        lambda text: text.replace("ocsd-bundle", "x-bundle"),
        lambda text: json.dumps({**json.loads(text), "key": "short"}),
        lambda text: json.dumps({**json.loads(text), "generation": "1"}),
        lambda text: json.dumps({**json.loads(text), "ocsd-bundle": 2}),
    ],
)
def test_a_torn_or_foreign_bundle_is_refused(bundle, tmp_path, spoil):
    file = tmp_path / "bundle"
    file.write_text(spoil(bundle.as_bytes().decode()))
    with pytest.raises(AccessFilesError, match=f"{file} cannot be used: it") as caught:
        read_bundle(file)
    assert bundle.key not in str(caught.value)


def test_a_missing_bundle_is_told(tmp_path):
    with pytest.raises(AccessFilesError, match="cannot read"):
        read_bundle(tmp_path / "nothing")


def test_a_bundle_hides_its_keys_when_it_is_printed(bundle):
    assert bundle.key not in repr(bundle)
    assert "page key" not in repr(bundle)
