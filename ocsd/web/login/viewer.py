"""The client of the page: a person with a role on a closed site, a place on an open one."""

from typing import Final, NamedTuple

from ocsd.access.roles import PERSONS
from ocsd.text.printable import one_line
from ocsd.web.refusals import RequestRefusedError


class ForbiddenError(RequestRefusedError):
    """The role of a person is not enough for this; an admin may give another one."""

    code = 403


class Viewer(NamedTuple):
    """The client of a request."""

    person: str = ""
    """The name of who has logged in; on an open site the word of a trusted web server, or none."""
    role: str = ""
    """The role on a closed site; empty on an open one, where everybody may do everything."""
    place: str = "this machine"
    """The address from which it comes."""
    session: str = ""
    """The name of the session; empty if a web server in front of the page vouches for it."""

    @property
    def words(self) -> str:
        """The client in words, for the history."""
        return one_line(f"{self.person[:60] or 'a viewer'} of the page, from {self.place[:60]}")

    def caller(self) -> dict[str, str] | None:
        """Return who it is, for those who act for it; None on an open site."""
        if not self.role:
            return None
        return {"person": self.person, "role": self.role, "address": self.place}


_RANKS: Final = {str(role): rank for rank, role in enumerate(PERSONS)}


def may(role: str, least: str) -> bool:
    """Return whether a role is `least` or a more powerful one; on an open site it always is."""
    return not role or _RANKS.get(role, -1) >= _RANKS[least]


def check_role(viewer: Viewer, least: str, what: str) -> None:
    """Refuse a request for which the role of a person is not enough.

    Raises
    ------
    ForbiddenError
        If it is not.
    """
    if not may(viewer.role, least):
        raise ForbiddenError(
            f"{what} needs the role {least}, and {viewer.person} is {viewer.role}; an admin may "
            f"change that: ocsd access user role {viewer.person} {least}"
        )
