"""Exclusive access: a client that keeps others away from some agents for a while."""

import time
from typing import Any, Final

from ocsd.client.operations import OCSClient

CLIENT_GRANT_LIFE_S: Final = 100.0
"""Time for which a client asks, if it is given no other [s]."""


class ExclusiveAccessClient:
    """Acquires, renews and releases an exclusive access that the access director hands out.

    Parameters
    ----------
    target : str or OCSClient
        The director's instance-id, or a client of it.
    grantee : str
        The requester, in words for those who are locked out.
    grant_name : str
        Name of the block in the director's file.
    password : str, optional
        The password of the block, if it needs one.

    Attributes
    ----------
    password : str or None
        The password for `OCSClient` while it is held.
    expire_at : float or None
        When it ends [Unix s].
    last_response : dict
        The director's answer to the last `acquire`.

    Examples
    --------
    >>> access = ExclusiveAccessClient('access-dir', 'wire grid', 'wiregrid')
    >>> ok, detail = access.acquire()
    >>> client = OCSClient('wgrotator', privs=access.password)
    """

    def __init__(
        self, target: str | OCSClient, grantee: str, grant_name: str, password: str | None = None
    ) -> None:
        client = target
        if isinstance(client, str):
            client = OCSClient(client)
        self._client = client
        self._request = {"grantee": grantee, "grant_name": grant_name, "password": password}
        self.password: str | None = None
        self.expire_at: float | None = None
        self.last_response: dict[str, Any] = {"error": "no history"}

    def acquire(self, expire_at: float | None = None) -> tuple[bool, dict[str, Any]]:
        """Ask for the access, until a time [Unix s]; return success and the director's answer.

        Raises
        ------
        ControlClientError
            If the director does not answer.
        """
        response = self._ask("acquire", expire_at=_end(expire_at))
        self.last_response = response
        if "error" in response:
            return False, response
        self.password, self.expire_at = response["password"], response["expire_at"]
        return True, response

    def renew(self, expire_at: float | None = None) -> tuple[bool, dict[str, Any]]:
        """Keep the access until a later time [Unix s]; see `acquire`."""
        response = self._ask("renew", expire_at=_end(expire_at))
        if "error" in response:
            return False, response
        self.expire_at = response["expire_at"]
        return True, response

    def release(self) -> tuple[bool, dict[str, Any]]:
        """Give the access back; see `acquire`."""
        response = self._ask("release")
        self.password = self.expire_at = None
        return "error" not in response, response

    def _ask(self, action: str, **more: Any) -> dict[str, Any]:
        control = self._client._client  # noqa: SLF001 - as published clients have it
        answer: dict[str, Any] = control.special(
            "request_exclusive", action=action, **more, **self._request
        )
        return answer


def _end(expire_at: float | None) -> float:
    if expire_at is None:
        return time.time() + CLIENT_GRANT_LIFE_S
    return expire_at
