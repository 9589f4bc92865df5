"""Asks the router of another host whether it lets a person in: it joins as that person."""

from ocsd.access.store import AccessStore
from ocsd.site.model import Hub
from ocsd.web.refusals import AwayError


def ask_router(hub: Hub, store: AccessStore, name: str, password: str) -> str | None:
    """Return the role that the router gives to a person; None if it refuses. For a thread.

    Raises
    ------
    AwayError
        If the router cannot be reached.
    """
    raise AwayError(
        f"the people of this site are listed on the host of the router ({hub.wamp_server}), and "
        f"{name} can log in at the page there only"
    )
