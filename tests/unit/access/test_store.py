"""The files of access control of a host: written, read back, and refused when they are damaged."""

import json

import pytest

from ocsd.access.certificates import issue, make_authority
from ocsd.access.private_files import make_folder, write
from ocsd.access.records import AdmittedHost, CapabilityUrl, Identity, Person
from ocsd.access.store import HOSTS_FILE, URLS_FILE, USERS_FILE, AccessStore
from ocsd.access.tickets import host_key
from ocsd.errors import AccessFilesError

VERA = Person("viewer", "$argon2id$x", 5.0)
URL = CapabilityUrl("agent", "agent", "lakeshore1", "abc", 5.0)
OF_HUB = Identity("site1", "control", True, "wss://control:8443/ws", 0, 5.0)


@pytest.fixture
def store(tmp_path):
    made = AccessStore(tmp_path / "access")
    make_folder(made.folder)
    return made


def test_a_host_without_keys_has_none(tmp_path):
    store = AccessStore(tmp_path / "access")
    assert not store.exists
    with pytest.raises(AccessFilesError, match=f"there is no {store.folder}"):
        store.people()


def test_everything_is_read_back(store):
    store.change_people(lambda people: people.update(vera=VERA))
    store.change_hosts(lambda hosts: hosts.update(control=AdmittedHost(1, 5.0)))
    store.change_urls(lambda urls: urls.update(lakeshore1=URL))
    store.new_secret()
    store.write_identity(OF_HUB)
    assert store.exists
    assert store.people() == {"vera": VERA}
    assert store.hosts() == {"control": AdmittedHost(1, 5.0)}
    assert store.urls() == {"lakeshore1": URL}
    assert store.identity() == OF_HUB
    assert store.host_key() == host_key(store.secret(), "control", 1)
    modes = {path.stat().st_mode & 0o777 for path in store.folder.iterdir()}
    assert modes == {0o600}


def test_the_certificates_are_read_back(store):
    authority = make_authority("x", 0.0)
    issued = issue(authority, ["control"], 0.0)
    store.write_authority(authority)
    store.write_router(issued)
    assert store.authority() == authority
    assert store.router() == issued
    assert store.authority_certificate() == authority.certificate


def test_another_host_has_the_key_of_its_bundle_only(store):
    store.write_identity(Identity("site1", "lab-2", False, "wss://control:8443/ws", 3, 5.0))
    store.write_host_key(b"k" * 32)
    assert store.host_key() == b"k" * 32


def test_the_hub_without_itself_in_the_list_says_so(store):
    store.write_identity(OF_HUB)
    store.change_hosts(lambda _: None)
    store.new_secret()
    with pytest.raises(AccessFilesError, match="does not list this host, 'control'"):
        store.host_key()


@pytest.mark.parametrize("torn", [b"", b"{", b"[]", b'"x"', b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("name", [USERS_FILE, HOSTS_FILE, URLS_FILE, "site.json"])
def test_a_torn_or_foreign_file_is_refused_by_name(store, name, torn):
    write(store.folder / name, torn)
    read = {USERS_FILE: store.people, HOSTS_FILE: store.hosts, URLS_FILE: store.urls}
    with pytest.raises(AccessFilesError, match=f"{store.folder / name} is damaged"):
        read.get(name, store.identity)()


@pytest.mark.parametrize(
    "entry", [None, [], {}, {"role": 3, "password": "x", "since_at": 1.0}, {"role": "viewer"}]
)
def test_an_entry_that_lacks_something_is_named(store, entry):
    write(store.folder / USERS_FILE, json.dumps({"vera": entry}).encode())
    with pytest.raises(AccessFilesError, match=r"users\.json is damaged \('vera' "):
        store.people()


def test_keys_of_a_later_release_do_no_harm(store):
    entry = {**VERA.as_json(), "later": 1}
    write(store.folder / USERS_FILE, json.dumps({"vera": entry}).encode())
    assert store.people() == {"vera": VERA}


def test_a_secret_of_another_size_is_refused(store):
    write(store.folder / "secret", b"short")
    with pytest.raises(AccessFilesError, match=r"secret is damaged \(has 5 bytes, not 32"):
        store.secret()


def test_no_secret_is_printed():
    assert "argon2" not in repr(VERA)
    assert "abc" not in repr(URL)
