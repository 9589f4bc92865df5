"""The services of compose files, and the instances that belong to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml

from ocsd.text.nearest import did_you_mean

DOCKER_CLASS: Final = "[docker]"
"""The class of a service that no entry of the site file stands for, as OCS's HostManager says."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service of a compose file."""

    name: str
    file: str
    """The compose file, with its whole path."""
    image: str = ""
    """Its image; empty if the file does not name one."""
    is_built: bool = False
    """Whether docker compose builds the image, rather than to pull it."""


@dataclass(frozen=True, slots=True)
class ComposeFile:
    """A compose file, as docker compose has read it the last time."""

    path: str
    services: Mapping[str, Service]
    """Its services by their names; those of the last good version if it is broken now."""
    trouble: str = ""
    """Why docker compose does not take it; empty if it does."""


def services(text: str, path: str) -> dict[str, Service]:
    """Return the services in what ``docker compose config`` prints of the file `path`.

    Raises
    ------
    ValueError
        If it is no such text.
    """
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(f"docker compose printed something else than YAML: {error}") from None
    match content:
        case {"services": dict() as found}:
            return {str(name): _service(str(name), path, keys) for name, keys in found.items()}
        case _:
            return {}


def _service(name: str, path: str, keys: object) -> Service:
    match keys:
        case dict():
            return Service(name, path, str(keys.get("image") or ""), "build" in keys)
        case _:
            return Service(name, path)


def find(name: str, files: Sequence[ComposeFile]) -> Service | str:
    """Return the service of that name, or why there is none, with the next step."""
    holders = [file for file in files if name in file.services]
    if len(holders) > 1:
        places = " and ".join(file.path for file in holders)
        return f"service {name!r} stands in {places}; leave it in one of them"
    if holders:
        return holders[0].services[name]
    if trouble := trouble_of(files):
        return f"no service {name!r} is known, because of an error in {trouble}"
    return _missing(name, files)


def trouble_of(files: Iterable[ComposeFile]) -> str:
    """Return the errors of all files; empty if there are none."""
    return "; ".join(f"{file.path}: {file.trouble}" for file in files if file.trouble)


def _missing(name: str, files: Sequence[ComposeFile]) -> str:
    known = sorted(service for file in files for service in file.services)
    paths = ", ".join(file.path for file in files)
    return (
        f"there is no service {name!r} in {paths}{did_you_mean(name, known)}; add it there, or "
        "have the HostManager entry say the right --docker-service-prefix"
    )


def unclaimed(files: Iterable[ComposeFile], claimed: Iterable[str]) -> list[str]:
    """Return the names of services that no entry of the site file stands for."""
    names = dict.fromkeys(name for file in files for name in file.services)
    return [name for name in names if name not in set(claimed)]


def first_cause(printed: str) -> str:
    """Return the line of docker compose's output that says why it failed."""
    lines = [line.strip() for line in printed.splitlines()]
    told = [line for line in lines if line and not line.endswith(("...", "... done", "... error"))]
    errors = [line for line in told if "error" in line.lower()]
    for line in (*errors, *reversed(told)):
        _, mark, rest = line.partition("ERROR:")
        return (rest if mark else line).strip()
    return "it does not say why"


def whole_cause(printed: str) -> str:
    """Return all that docker compose says about a file that it does not take, in one line."""
    lines = [line.strip() for line in printed.splitlines()]
    return " ".join(line for line in lines if line) or "it does not say why"


def parse_status(files: Iterable[ComposeFile], at: Mapping[str, float]) -> dict[str, Any]:
    """Return ``config_parse_status`` of OCS's HostManager: by file, whether it is good, when, why.

    `at` has the times when the files were read [s, Unix time].
    """
    return {
        file.path: [
            not file.trouble,
            at.get(file.path, 0.0),
            file.trouble or f"read {file.path} and its services",
        ]
        for file in files
    }
