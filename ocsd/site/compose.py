"""The services of docker compose that a host's HostManager entry names, and who manages them."""

import os
from argparse import ArgumentError, ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import yaml
from pydantic import BaseModel, ConfigDict

from ocsd.site.document import LOADER
from ocsd.site.model import HOST_MANAGER, IN_CONTAINERS, Host, Instance
from ocsd.text.nearest import did_you_mean

COMPOSE_FILES_VARIABLE: Final = "OCSD_DOCKER_COMPOSE"
BINARY_VARIABLE: Final = "OCSD_DOCKER_COMPOSE_BIN"
PREFIX_VARIABLE: Final = "OCSD_DOCKER_SERVICE_PREFIX"
"""Variables that have the last word: ``ocs.agents.host_manager.agent`` passes its options in them.
"""

PREFIX: Final = "ocs-"

_IN_VAIN: Final = ("user", "env", "limits", "runtime", "python")
"""Keys of an entry about a process that ocsd starts itself."""


class ComposeOptions(BaseModel):
    """The arguments of OCS's HostManager about docker."""

    model_config = ConfigDict(frozen=True)

    files: tuple[str, ...] = ()
    """``--docker-compose``; a relative path starts from the working directory."""
    prefix: str = PREFIX
    """``--docker-service-prefix``: what stands before the instance-id in a service's name."""
    binary: str | None = None
    """``--docker-compose-bin``; None: the one that is installed."""


def options(host: Host, environment: Mapping[str, str] = os.environ) -> ComposeOptions:
    """Return the arguments about docker of a host's HostManager entry.

    The variables of the `environment` have the last word.
    """
    given: tuple[str, ...] = ()
    for each in host.instances:
        if each.agent_class == HOST_MANAGER:
            given = each.arguments
            break
    found = _parsed(given)
    written = environment.get(COMPOSE_FILES_VARIABLE, found.get("docker_compose") or "")
    return ComposeOptions(
        files=tuple(file.strip() for file in written.split(",") if file.strip()),
        prefix=environment.get(PREFIX_VARIABLE, found.get("docker_service_prefix") or PREFIX),
        binary=environment.get(BINARY_VARIABLE, found.get("docker_compose_bin") or "") or None,
    )


def warnings(host: Host, folder: Path) -> Iterator[tuple[int | None, str]]:
    """Yield what is wrong with a host's compose files and the entries of their services.

    Each warning comes with the line of the entry in the site file. A relative path starts from
    the daemon's working directory, `folder`. docker compose itself reads the files more strictly.
    """
    given = options(host)
    line = next((each.line for each in host.instances if each.agent_class == HOST_MANAGER), None)
    agents = [each for each in host.instances if each.manage in IN_CONTAINERS]
    services: dict[str, Path] = {}
    faults = list(_faults([folder / Path(each).expanduser() for each in given.files], services))
    yield from ((line, text) for text in faults)
    for each in agents:
        for text in _of_entry(each, given, services, is_whole=not faults):
            yield each.line, f"instance {each.instance_id!r}: {text}"


def _faults(files: Sequence[Path], services: dict[str, Path]) -> Iterator[str]:
    """Yield what is wrong with compose files; add their services to `services`, with the file."""
    for file in files:
        try:
            names = _services(file)
        except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or " ".join(str(error).split())
            yield f"the services of {file} cannot be managed: {reason}; correct that file"
            continue
        for name in names:
            if name in services:
                yield f"service {name!r} stands in {services[name]} and in {file}"
            services[name] = file


def _of_entry(
    entry: Instance, given: ComposeOptions, services: Mapping[str, Path], *, is_whole: bool
) -> Iterator[str]:
    if not given.files:
        return
    name = f"{given.prefix}{entry.instance_id}"
    if name not in services and is_whole:
        yield (
            f"there is no service {name!r} in {', '.join(given.files)}"
            f"{did_you_mean(name, services)}; it cannot be started"
        )
    vain = [key for key in _IN_VAIN if key in entry.model_fields_set]
    if vain:
        yield (
            f"{', '.join(vain)} has no effect, because Docker runs it; say the same in the compose "
            "file"
        )


def _parsed(arguments: Sequence[str]) -> dict[str, str | None]:
    parser = ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    for option in ("--docker-compose", "--docker-compose-bin", "--docker-service-prefix"):
        parser.add_argument(option)
    try:
        return vars(parser.parse_known_args(arguments)[0])
    except ArgumentError:  # without a value
        return {}


def _services(file: Path) -> list[str]:
    content = yaml.load(file.read_text(encoding="utf-8"), Loader=LOADER)
    match content:
        case {"services": dict() as services}:
            return [str(name) for name in services]
        case _:
            raise ValueError("it has no services")
