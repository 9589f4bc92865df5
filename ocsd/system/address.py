"""Addresses of TCP and URLs, as a site file writes them."""

import re
from typing import Final, NamedTuple
from urllib.parse import SplitResult, urlsplit

DEFAULT_LISTEN: Final = "127.0.0.1:8002"
"""The address of the page in the browser."""

LOOPBACK: Final = "127.0.0.1"
"""The address by which this machine alone reaches itself."""

_LOOPBACK: Final = re.compile(r"localhost|127(\.\d+){3}|::1")


class Address(NamedTuple):
    """An address of TCP."""

    host: str
    port: int

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        """Return it as in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_loopback(host: str) -> bool:
    """Say whether a name or address is this machine's own, which no other reaches."""
    return _LOOPBACK.fullmatch(host) is not None


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


def checked_url(value: str, key: str, example: str, schemes: tuple[str, ...]) -> str:
    """Return a URL that names a host and has one of some schemes.

    Raises
    ------
    ValueError
        If it is none; the message names the `key` of the site file and shows an `example`.
    """
    expected = f"{key} {value!r} is not a usable URL"
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{expected} ({error}); write e.g. {example}") from None
    if parts.scheme not in schemes:
        raise ValueError(
            f"{expected} (it must start with {'://, '.join(schemes)}://); write e.g. {example}"
        )
    if not parts.hostname or port == 0 or re.search(r"\s", value):
        raise ValueError(f"{expected} (it names no host and port); write e.g. {example}")
    return value


def checked_interface(value: str) -> str:
    """Return a ``listen`` that is an address without a port.

    Raises
    ------
    ValueError
        If it is none.
    """
    if re.fullmatch(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*", value):
        return value
    raise ValueError(
        f"listen {value!r} is not an address of this machine; write it without a port, e.g. "
        "10.0.0.5, or 0.0.0.0 for all its addresses"
    )


def unencrypted(key: str, url: str) -> str:
    """Return what is wrong with a URL of a closed site; empty if it is encrypted."""
    parts = urlsplit(url)
    if parts.scheme in {"wss", "https"}:
        return ""
    secure = urlsplit(url)._replace(scheme=f"{parts.scheme}s", netloc=f"{parts.hostname}:8443")
    return (
        f"{key} {url!r} is not encrypted; write {key}: {secure.geturl()}, and make the keys: "
        "ocsd access init"
    )


def at_loopback(url: str, *, closed: bool = False) -> str:
    """Return a URL of the same port and path at this machine, with TLS only if it is `closed`."""
    parts = urlsplit(url)
    scheme = parts.scheme
    if not closed:
        scheme = {"wss": "ws", "https": "http"}.get(scheme, scheme)
    return parts._replace(scheme=scheme, netloc=f"{LOOPBACK}:{port_of(parts)}").geturl()


def misfit(site_url: str, server: str, http: str) -> str:
    """Return why a host's own router cannot have its URLs beside that of the site; or nothing."""
    closed = urlsplit(site_url).scheme == "wss"
    for name, url in (("wamp_server", server), ("wamp_http", http)):
        if not is_loopback(urlsplit(url).hostname or ""):
            return (
                f"with router: local, {name} is the address of the host's own router, which is "
                f"for programs of this machine: write e.g. {at_loopback(url, closed=closed)}, "
                f"not {url}"
            )
    site, here = urlsplit(site_url), urlsplit(server)
    if is_loopback(site.hostname or "") and port_of(site) == port_of(here):
        other = here._replace(netloc=f"{LOOPBACK}:{port_of(site) + 1}")
        return (
            f"the hub has port {port_of(site)} of this machine, so the host's own router "
            f"needs another one: add e.g. wamp_server: {other.geturl()}"
        )
    return ""
