"""The keys of a site file that say how an instance is supervised."""

import shlex
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

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


def _words(value: object) -> object:
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
    dict[str, Annotated[tuple[str, ...], BeforeValidator(_words)]], AfterValidator(_hooks)
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
