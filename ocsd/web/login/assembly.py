"""Builds the doors of a page from its settings."""

import re
import time
from typing import Any

from ocsd.access.store import AccessStore
from ocsd.audit.entry import AuditKind
from ocsd.audit.notes import Notes
from ocsd.errors import OcsdError
from ocsd.web.login.doors import ClosedDoors, Doors, OpenDoors, Trusted
from ocsd.web.login.people import ListedPeople, People, RemotePeople
from ocsd.web.login.remote import ask_router
from ocsd.web.login.sessions import LoginSessions
from ocsd.web.settings import PageSettings
from ocsd.web.work import Work


def doors_of(own: PageSettings, reactor: Any) -> Doors:
    """Return the doors of a page."""
    if not own.needs_login:
        return OpenDoors(Trusted(own.proxies, by_socket=True))
    host = re.sub(r"[^A-Za-z0-9_-]", "-", own.host)
    return ClosedDoors(
        people=_people(own),
        sessions=LoginSessions(own.paths.state / "logins" / "logins.json", time.time),
        trusted=Trusted(own.proxies),
        work=Work(reactor, "logins", threads=2, waiting=8),
        notes=Notes(AuditKind.LOGIN),
        cookie=f"ocsd-{host}",
        path=f"{own.path_prefix}/",
    )


def _people(own: PageSettings) -> People:
    store = AccessStore(own.paths.access)
    try:
        is_here = store.identity().is_hub
    except OcsdError:
        # The list is refused by name at the first login.
        is_here = True
    if is_here:
        return ListedPeople(own.paths.access)
    return RemotePeople(lambda name, password: ask_router(own.hub, store, name, password))
