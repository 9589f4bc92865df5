"""Asks the router of another host whether it lets a person in: it calls as that person."""

import base64
import http.client
import json
import ssl
from typing import Final
from urllib.parse import urlsplit

from ocsd.access.entrance import of_url
from ocsd.site.values.hub import HubValues
from ocsd.web.login.doors import TooManyAttemptsError
from ocsd.web.refusals import AwayError

ROLE_HEADER: Final = "x-ocsd-role"
"""The header in which the router tells the role of whoever has logged in."""
ASKING_LIMIT_S: Final = 10.0
_NOT_LOGGED_IN: Final = 401
_LIMIT: Final = b"too many"
"""In the router's answer to a login that it has not checked."""


def ask_router(hub: HubValues, name: str, password: str) -> str | None:
    """Return the role that the router gives to a person; None if it refuses. For a thread.

    Raises
    ------
    AwayError, TooManyAttemptsError
        If the router cannot be reached, or checks no login now.
    """
    if ":" in name:  # which ends a name in this kind of login
        return None
    parts = urlsplit(hub.wamp_http)
    login = base64.b64encode(f"{name}:{password}".encode()).decode()
    headers = {"content-type": "application/json", "authorization": f"Basic {login}"}
    body = json.dumps({"procedure": f"{hub.address_root}.registry", "args": ["get_api"]})
    context = ssl.create_default_context(cafile=of_url(hub.wamp_http).ca_file)
    connection = http.client.HTTPSConnection(
        parts.hostname or "localhost", parts.port, timeout=ASKING_LIMIT_S, context=context
    )
    try:
        connection.request("POST", parts.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise AwayError(
            f"the router at {parts.hostname} cannot be asked who may log in ({error}); see: "
            "ocsd status"
        ) from error
    finally:
        connection.close()
    role = answer.getheader(ROLE_HEADER)
    if role is None and answer.status != _NOT_LOGGED_IN:
        raise AwayError(
            f"the router at {parts.hostname} cannot check logins (HTTP status {answer.status}); "
            "see: ocsd why router, on its host"
        )
    if role is None and _LIMIT in content:
        raise TooManyAttemptsError("the router takes no more logins of this host now; wait 60 s")
    return role
