"""The people, hosts and URLs are those of the files, as they are now."""

import time

import pytest

from ocsd.access import private_files
from ocsd.access.making import make_site
from ocsd.access.records import CapabilityUrl, Person
from ocsd.access.store import AccessStore
from ocsd.access.tickets import Login, ticket_of
from ocsd.errors import AccessFilesError
from ocsd.router.guard.book import Book
from ocsd.router.guard.door import Admitted, Denied
from ocsd.router.guard.facts import GuardFacts

OTTO = Person("operator", "hash", 0.0)
URLS = {
    "pub": CapabilityUrl("agent", "agent", "x", "a" * 32, 0.0),
    "script": CapabilityUrl("client", "operator", "script", "c" * 32, 0.0),
    "wrong": CapabilityUrl("client", "trusted", "eve", "e" * 32, 0.0),
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    folder.chmod(0o700)
    make_site(folder / "access", "hub", "wss://localhost:8443/ws", (), time.time())
    made = AccessStore(folder / "access")
    made.change_people(lambda people: people.update(otto=OTTO))
    made.change_urls(lambda urls: urls.update(URLS))
    return made


@pytest.fixture
def file(store, tmp_path):
    homes, directors = {"x": "hub"}, ("dir",)
    facts = GuardFacts(str(store.folder), "hub", "r", "lab", "ws", "call", True, homes, directors)
    return facts.write(tmp_path)


def test_each_kind_of_url_opens_its_two_paths(file):
    book = Book(file)
    agent = book.by_url("k-", "a" * 32)
    assert agent == Admitted(("x", "agent"), True, "url pub")
    assert book.by_url("call-", "a" * 32) == Admitted(("x", "agent"), False, "url pub")
    for kind in ("c-", "call-"):
        assert book.by_url(kind, "c" * 32).party == ("script", "operator")
    for kind, secret in (("c-", "a"), ("k-", "c"), ("k-", "z"), ("c-", "e")):
        assert isinstance(book.by_url(kind, secret * 32), Denied)


def test_an_agent_that_a_daemon_starts_on_the_published_ocs_has_its_ticket_in_its_url(store, file):
    ticket = ticket_of(store.host_key(), Login("x", "hub"))
    decision = Book(file).by_url("k-", f"x@hub~{ticket}")
    assert (decision.party, decision.is_published) == (("x", "agent"), True)
    assert isinstance(Book(file).by_url("k-", "x@hub~wrong"), Denied)


def test_what_changes_in_the_files_is_known_without_a_restart(store, file):
    book = Book(file)
    assert book.refresh() == ""
    assert book.entry("person otto") == OTTO
    store.change_people(lambda people: people.update(nora=OTTO))
    assert book.person("nora") is None
    assert book.refresh() == ""
    assert book.person("nora") == OTTO
    store.change_people(lambda people: people.pop("nora"))
    book.refresh()
    assert book.entry("person nora") is None


def test_users_of_this_machine_have_the_roles_of_the_file(store, file):
    book, users = Book(file), store.folder / "unix.json"
    private_files.write(users, b'{"alice": "viewer"}')
    assert book.refresh() == ""
    assert book.premises.users == {"alice": "viewer"}
    assert book.entry("user alice") == "viewer"
    users.unlink()
    assert book.refresh() == ""
    assert book.premises.users == {}


def test_a_file_that_could_not_be_read_for_a_moment_is_read_again(store, file, monkeypatch):
    book = Book(file)
    store.change_people(lambda people: people.update(nora=OTTO))
    premises = book.premises

    def fail(_):
        raise OSError("too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(AccessStore, "people", fail)
        assert "too many" in book.refresh()
        assert book.refresh() == ""
        assert book.premises is premises
    assert book.refresh() == ""
    assert book.person("nora") == OTTO
    store.change_people(lambda people: people.pop("nora"))


def test_what_was_known_stays_in_force_while_a_file_is_damaged(store, file):
    book = Book(file)
    users = store.folder / "users.json"
    before = users.read_bytes()
    users.write_text("{")
    assert "users.json is damaged" in book.refresh()
    assert book.refresh() == ""
    assert book.person("otto") == OTTO
    with pytest.raises(AccessFilesError, match=r"users\.json"):
        Book(file)
    users.write_bytes(before)
    assert book.refresh() == ""
