"""The site's router and the names that everyone uses on it, as values."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from ocsd.system.address import LOOPBACK, checked_url, is_loopback

REALM = "test_realm"
"""The WAMP realm of a hub that names none."""
ADDRESS_ROOT = "observatory"
"""The first part of all addresses, where a hub names none."""

_ADDRESSES = ("wamp_server", "wamp_http", "wamp_realm", "address_root")


class HubValues:
    """The values of a hub, and what follows from them."""

    access: str
    listen: str | None
    wamp_server: str
    wamp_http: str
    wamp_tls: str | None
    wamp_realm: str
    address_root: str
    access_policy: str | None
    registry_address: str | None

    @property
    def is_closed(self) -> bool:
        """Whether nobody joins without a login."""
        return self.access == "closed"

    @property
    def tls_url(self) -> str | None:
        """The address at which the router takes logins; None if it takes none."""
        if self.is_closed:
            return self.wamp_server
        return self.wamp_tls

    @property
    def interface(self) -> str:
        """The address or name at which the router listens on this machine."""
        if self.listen is not None:
            return self.listen
        name = urlsplit(self.wamp_server).hostname or LOOPBACK
        if is_loopback(name):
            return LOOPBACK
        return name

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the router."""
        return is_loopback(self.interface)

    @property
    def addresses(self) -> dict[str, str]:
        """Router, realm and address root, by the keys of the file."""
        return {name: getattr(self, name) for name in _ADDRESSES}


@dataclass(frozen=True)
class ToldHub(HubValues):
    """The hub that a process was told (`ocsd.site.model.Hub`)."""

    wamp_server: str
    wamp_http: str
    access: str = "open"
    listen: str | None = None
    wamp_tls: str | None = None
    wamp_realm: str = REALM
    address_root: str = ADDRESS_ROOT
    access_policy: str | None = None
    take_files: bool = False
    registry_address: str | None = None


def server_url(value: str) -> str:
    """Return the URL of a router, if it is one.

    Raises
    ------
    ValueError
        If not.
    """
    return checked_url(value, "wamp_server", "ws://localhost:8001/ws", ("ws", "wss"))


def http_beside(wamp_server: object) -> str:
    """Return the HTTP call bridge that normally stands beside a WebSocket URL.

    A wrong WebSocket URL gets the default one, because it is reported already.
    """
    try:
        parts = urlsplit(server_url(str(wamp_server)))
    except ValueError:
        return "http://localhost:8001/call"
    scheme = parts.scheme.replace("ws", "http")
    return f"{scheme}://{parts.netloc}/call"
