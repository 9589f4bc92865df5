"""Logins, logouts, and who is logged in."""

from typing import Any

from ocsd.access.roles import PERSONS
from ocsd.web.login.doors import ClosedDoors, Doors
from ocsd.web.login.viewer import Viewer, may
from ocsd.web.refusals import RequestRefusedError
from ocsd.web.server.route import Call
from ocsd.web.server.site import knock_of


class NoLoginError(RequestRefusedError):
    """There is no login on an open site: everybody may do everything."""

    code = 404


class Entering:
    """Answers the requests about logins."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    async def log_in(self, call: Call) -> dict[str, Any]:
        """Let a person in, and give the browser a cookie."""
        doors = self._closed()
        name, password = call.body.get("name"), call.body.get("password")
        viewer, cookie = await doors.log_in(name, password, knock_of(call.request))
        call.request.setHeader(b"set-cookie", cookie.encode())
        return _told(viewer, is_closed=True)

    async def log_out(self, call: Call) -> dict[str, Any]:
        """Let a person out, and take the cookie back."""
        cookie = self._closed().log_out(call.viewer)
        call.request.setHeader(b"set-cookie", cookie.encode())
        return _told(Viewer(), is_closed=True)

    async def who(self, call: Call) -> dict[str, Any]:
        """Return who is logged in, and what that person may do."""
        return _told(call.viewer, self._doors.is_closed)

    def _closed(self) -> ClosedDoors:
        if isinstance(self._doors, ClosedDoors):
            return self._doors
        raise NoLoginError("this site is open: there is no login")


def _told(viewer: Viewer, is_closed: bool) -> dict[str, Any]:
    return {
        "closed": is_closed,
        "person": viewer.person or None,
        "role": viewer.role or None,
        "roles": [role for role in PERSONS if _has(viewer, role, is_closed)],
        "can_log_out": bool(viewer.session),
    }


def _has(viewer: Viewer, role: str, is_closed: bool) -> bool:
    if is_closed and not viewer.role:
        return False
    return may(viewer.role, role)
