"""The key ``web`` of a host: the page in the browser."""

import re
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator

from ocsd.site.supervision import KeysModel, key

WEB_CLASS: Final = "Web"
WEB_NAME: Final = "web"
"""The class of the process that serves the page, and its name if no entry gives it another."""

DEFAULT_LISTEN: Final = "127.0.0.1:8002"
MORE_PORTS: Final = 10
"""Number of further ports that are tried if the one of ``listen`` is taken."""

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


def _listen(value: str) -> str:
    address_of(value)
    return value


def _path_prefix(value: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*/?", value):
        raise ValueError(f"path-prefix {value!r} is not a path; write e.g. /ocsd")
    return value.rstrip("/")


def _colour(value: str) -> str:
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", value):
        raise ValueError(f"colour {value!r} is not a colour; write e.g. '#2060a0', in quotes")
    return value


class Web(KeysModel):
    """The page in the browser, which a process of its own serves."""

    enabled: bool = True
    listen: Annotated[str, AfterValidator(_listen)] = DEFAULT_LISTEN
    """Address and port; if the port is taken, the next free one."""
    socket: str | None = None
    """A Unix socket to listen on, instead of a port; for a web server in front of it."""
    path_prefix: Annotated[str, AfterValidator(_path_prefix)] = key("path-prefix", default="")
    """The path below which the web server in front of it has the page."""
    name: str | None = None
    """The name of the site, for people."""
    colour: Annotated[str, AfterValidator(_colour)] | None = None
    """The colour by which people know the site."""

    def arguments(self) -> tuple[str, ...]:
        """Return the words of the process's command line that say the same."""
        fields: dict[str, Any] = {
            "--listen": self.listen,
            "--socket": self.socket,
            "--path-prefix": self.path_prefix,
            "--name": self.name,
            "--colour": self.colour,
        }
        return tuple(f"{option}={value}" for option, value in fields.items() if value)
