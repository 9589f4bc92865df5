"""An address of TCP, as a site file writes it."""

import re
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

DEFAULT_LISTEN: Final = "127.0.0.1:8002"
"""The address of the page in the browser."""

_LOOPBACK: Final = re.compile(r"localhost|127(\.\d+){3}|::1")


class Address(NamedTuple):
    """An address of TCP."""

    host: str
    port: int

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return _LOOPBACK.fullmatch(self.host) is not None

    def __str__(self) -> str:
        """Return it as in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def address_of(listen: str) -> Address:
    """Return the address of a ``listen``.

    Raises
    ------
    ValueError
        If it is not ``HOST:PORT``.
    """
    try:
        parts = urlsplit(f"//{listen}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.path or parts.username is not None:
        raise ValueError(f"listen {listen!r} is not HOST:PORT; write e.g. {DEFAULT_LISTEN!r}")
    return Address(host, port)


def port_of(parts: SplitResult) -> int:
    """Return the port of a URL, given or implied by its scheme."""
    return parts.port or {"wss": 443, "https": 443}.get(parts.scheme, 80)
