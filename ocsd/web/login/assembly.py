"""Builds the doors of a page from its settings."""

import re
import time
from dataclasses import replace
from functools import partial
from typing import Any

from ocsd.access.entrance import of_program
from ocsd.access.store import AccessStore
from ocsd.access.tickets import Login
from ocsd.audit.entry import AuditKind
from ocsd.audit.notes import Notes
from ocsd.errors import OcsdError
from ocsd.site.values.told import ToldLaunch
from ocsd.system.entrance import set_own
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
    return RemotePeople(partial(ask_router, own.people_hub or own.hub))


def enter_as_host(own: PageSettings, launch: ToldLaunch) -> None:
    """Let this process call agents as its host does: only a host may say for whom a call is.

    Raises
    ------
    AccessFilesError, NotPermittedError
        If the host's key is missing, or this user may not read it.
    """
    if not own.needs_login:
        return
    credentials = of_program(AccessStore(own.paths.access), Login("", own.host))
    set_own(replace(launch.entrance, credentials=credentials))
