"""The people who may log in: the list on the host of the router, elsewhere the router's word."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from ocsd.access.passwords import fits
from ocsd.access.records import Person
from ocsd.access.store import USERS_FILE, AccessStore
from ocsd.errors import OcsdError

LONGEST_REMOTE_LOGIN_S: Final = 12 * 3600.0
"""Time for which the router's word about a person holds [s]: one night."""


class People(Protocol):
    """Those who may log in."""

    def checked(self, name: str, password: str) -> str | None:
        """Return the role of a person if the password is right, in a thread; else None.

        Raises
        ------
        OcsdError
            If that cannot be found out.
        """

    def role_now(self, name: str, since_at: float, role: str) -> str | None:
        """Return the present role of a person who logged in at a time [s]; None: not any more."""


class ListedPeople:
    """The list of people on this host."""

    def __init__(self, folder: Path) -> None:
        self._store = AccessStore(folder)
        self._path = folder / USERS_FILE
        self._seen: tuple[int, int, int] | None = None
        self._people: Mapping[str, Person] = {}

    def checked(self, name: str, password: str) -> str | None:
        """Return the role of a person if the password is right; else None."""
        person = self._store.people().get(name)
        if person is None:
            fits(password, None)
            return None
        if not fits(password, person.password):
            return None
        return person.role

    def role_now(self, name: str, since_at: float, role: str) -> str | None:
        """Return the present role of a person; None if that one, or the password, has changed."""
        person = self._listed().get(name)
        if person is None or person.since_at > since_at:
            return None
        return person.role

    def _listed(self) -> Mapping[str, Person]:
        """Return the list, which is read anew when it has changed."""
        try:
            status = self._path.stat()
            seen = (status.st_ino, status.st_size, status.st_mtime_ns)
            if seen != self._seen:
                self._people, self._seen = self._store.people(), seen
        except (OSError, OcsdError):
            # Nobody may stay in because the list is gone.
            self._people, self._seen = {}, None
        return self._people


class RemotePeople:
    """The people whom the router of another host lets in.

    Parameters
    ----------
    ask : callable
        Joins the router as a person with a password; returns the role that the router gives, or
        None if it refuses. Raises OcsdError if it cannot be reached.
    """

    def __init__(
        self,
        ask: Callable[[str, str], str | None],
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._ask = ask
        self._wall_clock = wall_clock

    def checked(self, name: str, password: str) -> str | None:
        """Return the role of a person if the password is right; else None."""
        return self._ask(name, password)

    def role_now(self, name: str, since_at: float, role: str) -> str | None:
        """Return the role at the login: the router is not asked for each request.

        Somebody who was removed is in for as long as that holds, and no longer.
        """
        if self._wall_clock() - since_at > LONGEST_REMOTE_LOGIN_S:
            return None
        return role
