"""The people, hosts and URLs of the site, and its facts, as their files have them now."""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from ocsd.access.local import UNIX_USERS, local_roles
from ocsd.access.records import AdmittedHost, CapabilityUrl, Person
from ocsd.access.rules import SiteRules
from ocsd.access.store import AccessStore
from ocsd.access.tickets import login_of
from ocsd.errors import OcsdError
from ocsd.router.guard import facts as site_facts
from ocsd.router.guard.door import (
    Admitted,
    BasisKind,
    Denied,
    Premises,
    agent_party,
    basis_of,
    of_person,
    with_ticket,
)
from ocsd.router.guard.urls import AGENT_PATH, CLIENT_PATH, TICKET_MARK

_OF_AGENTS: Final = "agent"
_OTHER_PATHS: Final = {_OF_AGENTS: CLIENT_PATH, "client": AGENT_PATH}
"""The kind of path that does not belong to a kind of URL; calls over HTTP belong to both."""


class Book:
    """Knows them, and reads again what has changed.

    Raises
    ------
    OcsdError, OSError, ValueError
        If a file is missing, damaged or open to others: a router without them starts not at all.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: list[tuple[int, int, int] | None] = []
        self._trouble = ""
        self._read()

    def refresh(self) -> str:
        """Read the files again if one has changed; return why that cannot be done, or nothing.

        What was known before stays in force until the files are in order again. They are tried
        each time, because the fault may be another one, as of too many open files; it is
        returned once.
        """
        if self._signature() == self._seen:
            return ""
        before, self._trouble = self._trouble, ""
        try:
            self._read()
        except (OcsdError, OSError, ValueError, TypeError, KeyError) as error:
            self._trouble = str(error)
        return self._trouble if self._trouble != before else ""

    def person(self, name: str) -> Person | None:
        """Return somebody who may log in."""
        return self._people.get(name)

    def by_url(self, kind: str, secret: str) -> Admitted | Denied:
        """Decide about somebody who has come by a capability URL.

        Parameters
        ----------
        kind, secret : str
            Those of its path (`ocsd.router.guard.urls.secret_of`).
        """
        authid, _, ticket = secret.partition(TICKET_MARK)
        login = login_of(authid)
        if login is not None and login.instance_id:
            decision = with_ticket(self.premises, login, ticket)
            if isinstance(decision, Admitted):
                return replace(decision, is_published=kind == AGENT_PATH)
            return decision
        name, url = self._urls.get(_digest(secret), ("", None))
        wrong_kind = url is not None and kind == _OTHER_PATHS.get(url.kind)
        if url is None or wrong_kind:
            return Denied("there is no such URL")
        basis = basis_of(BasisKind.URL, name)
        if url.kind == _OF_AGENTS:
            party = agent_party(self.premises, url.authid)
            return Admitted(party, is_published=kind == AGENT_PATH, basis=basis)
        return of_person(url.authid, url.role, basis)

    def entry(self, basis: str) -> Any:
        """Return the entry on which a session rests, to be compared; None if it is gone."""
        return self._entries.get(basis)

    def _read(self) -> None:
        # All or nothing: new hosts beside old people would be a site that never was.
        seen = self._signature()
        facts = site_facts.read(self._file)
        store = AccessStore(Path(facts.store))
        users = local_roles(store.folder)
        lists = _lists_of(store, facts)
        people, urls = lists.people, lists.urls
        premises = Premises(
            host=facts.host,
            owner_uid=os.geteuid(),
            is_closed=facts.is_closed,
            homes=facts.homes,
            directors=frozenset(facts.directors),
            generations={name: host.generation for name, host in lists.hosts.items()},
            secret=lists.secret,
            users=users,
            key=lists.key,
        )
        self._seen = seen
        self.facts, self.store, self.premises = facts, store, premises
        self.rules = SiteRules(
            facts.address_root,
            premises.directors,
            hub=facts.host,
            homes=facts.homes,
            leaves=frozenset(facts.leaves),
            site_hub=facts.site_hub,
        )
        self._people: Mapping[str, Person] = people
        self._urls = {_digest(url.secret): (name, url) for name, url in urls.items()}
        kinds: tuple[tuple[BasisKind, Mapping[str, Any]], ...] = (
            (BasisKind.PERSON, self._people),
            (BasisKind.URL, urls),
            (BasisKind.HOST, lists.hosts),
            (BasisKind.USER, users),
        )
        self._entries = {
            basis_of(kind, name): entry for kind, names in kinds for name, entry in names.items()
        }

    def _signature(self) -> list[tuple[int, int, int] | None]:
        """Return what shows that a file was replaced."""
        folder = self._file.parent
        with suppress(AttributeError):
            folder = self.store.folder
        names = ("users.json", "urls.json", "hosts.json", "secret", "host.key", UNIX_USERS)
        return [_state_of(self._file), *(_state_of(folder / name) for name in names)]


class _Lists(NamedTuple):
    """The lists and the secret of the site, or the key of a host that has none of them."""

    hosts: Mapping[str, AdmittedHost]
    people: Mapping[str, Person]
    urls: Mapping[str, CapabilityUrl]
    secret: bytes = b""
    key: bytes = b""


def _lists_of(store: AccessStore, facts: site_facts.GuardFacts) -> _Lists:
    if not facts.site_hub:
        return _Lists(store.hosts(), store.people(), store.urls(), store.secret())
    own = store.identity()
    hosts = {facts.host: AdmittedHost(own.generation, own.made_at)}
    return _Lists(hosts, {}, {}, key=store.host_key())


def _state_of(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _digest(secret: str) -> bytes:
    # By digest, so that the time of a search tells nothing of a secret.
    return hashlib.sha256(secret.encode(errors="replace")).digest()
