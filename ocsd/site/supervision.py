"""The keys of a site file that OCS has not: how an instance is supervised, and the page."""

import re
import shlex
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ocsd.system.address import DEFAULT_LISTEN, address_of
from ocsd.text.nearest import did_you_mean
from ocsd.text.sizes import parse_size

OCCASIONS = (
    "on-down",
    "on-starting",
    "on-up",
    "on-stopping",
    "on-backoff",
    "on-failed",
    "on-hung",
    "on-degraded",
    "on-ok",
    "on-incident",
)
"""When a host's ``hooks`` can be run."""

_LEAST_MEMORY_BYTES = 2**20

Consequence = Literal["nothing", "warn", "restart"]


def _size(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("memory is the YAML word for true or false; write e.g. 500M")
    if isinstance(value, str):
        text, value = value, parse_size(value)
        if value is None:
            raise ValueError(f"memory {text!r} is not a size; write e.g. 500M or 2G")
    if isinstance(value, int) and value < _LEAST_MEMORY_BYTES:
        raise ValueError(f"memory {value} bytes is less than any program needs; write e.g. 500M")
    return value


def command_words(value: object) -> object:
    """Return the words of a command that is written as one text.

    Raises
    ------
    ValueError
        If a quotation is not closed.
    """
    if not isinstance(value, str):
        return value
    try:
        return tuple(shlex.split(value))
    except ValueError as error:
        raise ValueError(f"{value!r} is not a command: {str(error).lower()}") from error


def _one_or_many(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return value


def _condition(value: str) -> str:
    parts = urlsplit(value)
    try:
        tcp = parts.scheme == "tcp" and parts.hostname and parts.port and not parts.path
    except ValueError:
        tcp = False
    file = parts.scheme == "file" and not parts.netloc and len(parts.path) > 1
    if tcp or file:
        return value
    raise ValueError(
        f"retry-when {value!r} is not a condition; write tcp://host:port or file:///dev/ttyUSB0"
    )


def _hooks(value: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    for occasion, command in value.items():
        if occasion not in OCCASIONS:
            proposal = did_you_mean(occasion, OCCASIONS) or f"; there are {', '.join(OCCASIONS)}"
            raise ValueError(f"unknown hook {occasion!r}{proposal}")
        if not command:
            raise ValueError(f"hook {occasion} has no command")
    return value


def _variables(value: object) -> object:
    if isinstance(value, Mapping):
        return {name: _text(content) for name, content in value.items()}
    return value


def _usable(value: Mapping[str, str]) -> Mapping[str, str]:
    """Refuse variables that no process can have in its environment."""
    for name, text in value.items():
        if not name or "=" in name or "\0" in name:
            raise ValueError(
                f"env {name!r} cannot be the name of a variable: it must not be empty nor hold "
                "'=' or a NUL; write e.g. env: {NAME: value}"
            )
        if "\0" in text:
            raise ValueError(f"env {name}: its value holds a NUL, which no variable can")
    return value


def _text(value: object) -> object:
    # Only the operator knows which text a bare `yes` stands for: it is refused.
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


Conditions = Annotated[
    tuple[Annotated[str, AfterValidator(_condition)], ...], BeforeValidator(_one_or_many)
]
Hooks = Annotated[
    dict[str, Annotated[tuple[str, ...], BeforeValidator(command_words)]], AfterValidator(_hooks)
]
Variables = Annotated[dict[str, str], BeforeValidator(_variables), AfterValidator(_usable)]


def key(name: str, **options: Any) -> Any:
    """Declare a field whose key in the site file has hyphens.

    Not ``alias=``, because type checkers would then refuse the field's own name.
    """
    return Field(validation_alias=name, serialization_alias=name, **options)


class KeysModel(BaseModel):
    """Some keys of a site file; frozen, and any other key is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class LivenessKeys(KeysModel):
    """The consequence of a failure in each layer of an instance."""

    reactor: Consequence = "restart"
    router: Consequence = "warn"
    call: Consequence = "warn"
    feeds: Consequence = "warn"
    operations: Consequence = "warn"


class ResourceLimits(KeysModel):
    """Limits on the resources of an instance."""

    memory: Annotated[int | None, BeforeValidator(_size)] = None
    """Resident memory of its process [bytes]; a process above it is ended."""
    nice: Annotated[int, Field(ge=-20, le=19)] = 0
    open_files: Annotated[int | None, Field(ge=16)] = key("open-files", default=None)


def _listen(value: str) -> str:
    address_of(value)
    return value


def _page_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9a-fA-F:]+", value):
        raise ValueError(f"name {value!r} is not a name of a machine; write e.g. ocs.example.org")
    return value.lower()


def _proxy(value: str) -> str:
    from ipaddress import ip_network  # few sites have such a web server

    if value == "unix":
        return value
    try:
        ip_network(value)
    except ValueError:
        raise ValueError(
            f"trusted-proxies {value!r} is not an address; write e.g. 127.0.0.1, 10.0.0.0/24, or "
            "unix for the web server at the page's socket"
        ) from None
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
    names: tuple[Annotated[str, AfterValidator(_page_name)], ...] = ()
    """Names of this machine under which people open the page; no other one is answered."""
    tls: bool | None = None
    """Whether it is served with TLS; None: if the site is closed and others reach it."""
    certificate: str | None = None
    """A file with the page's certificate; None: that of the site."""
    trusted_proxies: tuple[Annotated[str, AfterValidator(_proxy)], ...] = key(
        "trusted-proxies", default=()
    )
    """Web servers in front of the page, by address or network, that say who somebody is."""
    # Last, because it hides the function of this name.
    key: str | None = None
    """A file with the key of the certificate."""

    def arguments(self) -> tuple[str, ...]:
        """Return the words of the process's command line that say the same."""
        fields: dict[str, Any] = {
            "--listen": self.listen,
            "--socket": self.socket,
            "--path-prefix": self.path_prefix,
            "--name": self.name,
            "--colour": self.colour,
            "--certificate": self.certificate,
            "--key": self.key,
        }
        words = [f"{option}={value}" for option, value in fields.items() if value]
        words += [f"--named={name}" for name in self.names]
        words += [f"--trusted-proxy={proxy}" for proxy in self.trusted_proxies]
        if self.tls is not None:
            words.append(f"--tls={str(self.tls).lower()}")
        return tuple(words)

    @model_validator(mode="after")
    def _key_is_there(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError(
                "web has one of 'certificate' and 'key'; name both files, e.g. "
                "certificate: /etc/ocsd/page.pem and key: /etc/ocsd/page.key"
            )
        return self
