"""The logins at the page: kept in a private file over restarts, and found by a cookie's token.

The file has a hash of each token, so whoever reads it cannot log in with it.
"""

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from ocsd.access import private_files
from ocsd.errors import OcsdError

LOGIN_IDLE_LIMIT_S: Final = 12 * 3600.0
"""Time without a request after which a login is over [s]."""
LONGEST_LOGIN_S: Final = 7 * 86400.0
MOST_LOGINS: Final = 1000
"""Logins at the same time; the oldest ones go."""
SEEN_PERIOD_S: Final = 60.0
"""Time between two notes of when a login was last used [s]."""


@dataclass(frozen=True, slots=True)
class LoginSession:
    """One login of a person."""

    person: str
    role: str
    """The role at the login; where the list of people is, that list counts."""
    since_at: float
    seen_at: float
    """When it began, and when it was last used [s, Unix time]."""
    address: str


class LoginSessions:
    """All logins; `trouble` says why they are not kept on the disk."""

    def __init__(self, path: Path, wall_clock: Callable[[], float]) -> None:
        self.trouble = ""
        self._path = path
        self._wall_clock = wall_clock
        self._logins: dict[str, LoginSession] = {}
        self._read()

    def open(self, person: str, role: str, address: str) -> str:
        """Begin a login; return the token for its cookie."""
        token = secrets.token_urlsafe(32)
        now_at = self._wall_clock()
        self._drop_old(now_at)
        while len(self._logins) >= MOST_LOGINS:
            del self._logins[next(iter(self._logins))]
        self._logins[name_of(token)] = LoginSession(person, role, now_at, now_at, address)
        self._write()
        return token

    def find(self, name: str) -> LoginSession | None:
        """Return a login that is not over, by the name of its token; this is a use of it."""
        login, now_at = self.find_quietly(name), self._wall_clock()
        if login is None:
            return None
        if now_at - login.seen_at > SEEN_PERIOD_S:
            self._logins[name] = replace(login, seen_at=now_at)
            self._write()
        return login

    def find_quietly(self, name: str) -> LoginSession | None:
        """Return a login that is not over; this is no use of it."""
        login = self._logins.get(name)
        if login is None or is_over(login, self._wall_clock()):
            return None
        return login

    def close(self, name: str) -> None:
        """End a login."""
        if self._logins.pop(name, None) is not None:
            self._write()

    def _drop_old(self, now_at: float) -> None:
        self._logins = {
            name: each for name, each in self._logins.items() if not is_over(each, now_at)
        }

    def _read(self) -> None:
        if not self._path.exists():
            return
        try:
            rows = json.loads(private_files.read(self._path))
            self._logins = {str(name): LoginSession(**row) for name, row in rows.items()}
        except (OcsdError, ValueError, TypeError, AttributeError) as error:
            self.trouble = f"everybody has to log in anew: {self._path} cannot be used: {error}"

    def _write(self) -> None:
        rows = {name: asdict(each) for name, each in self._logins.items()}
        try:
            private_files.make_folder(self._path.parent)
            private_files.write(self._path, json.dumps(rows).encode())
        except (OcsdError, OSError) as error:
            self.trouble = f"logins do not outlast a restart: {error}"
        else:
            self.trouble = ""


def name_of(token: str) -> str:
    """Return the name under which the login of a token is kept."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def is_over(login: LoginSession, now_at: float) -> bool:
    """Return whether a login has expired at a Unix time [s]."""
    return now_at - login.seen_at > LOGIN_IDLE_LIMIT_S or now_at - login.since_at > LONGEST_LOGIN_S
