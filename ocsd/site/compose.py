"""The services of docker compose that OCS's HostManager manages and ocsd does not."""

from argparse import ArgumentError, ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from ocsd.site.document import LOADER
from ocsd.text.plural import plural


def left_alone(arguments: Sequence[str], folder: Path) -> Iterator[str]:
    """Yield a warning for each compose file among a HostManager's `arguments`.

    A relative path starts from the daemon's working directory, `folder`.
    """
    for written in _files(arguments):
        file = folder / Path(written).expanduser()
        services = _services(file)
        if services is None:
            yield f"the services of {file} are not managed by ocsd; it cannot be read here"
        elif services:
            yield (
                f"{plural(len(services), 'service')} of {file} are not managed by ocsd: "
                f"{', '.join(services)}; start and watch them with docker compose"
            )


def _files(arguments: Sequence[str]) -> list[str]:
    parser = ArgumentParser(add_help=False, exit_on_error=False, allow_abbrev=False)
    parser.add_argument("--docker-compose", default="")
    try:
        given = parser.parse_known_args(arguments)[0].docker_compose
    except ArgumentError:  # without a value
        given = ""
    return [file.strip() for file in given.split(",") if file.strip()]


def _services(file: Path) -> list[str] | None:
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=LOADER)
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return None
    match content:
        case {"services": dict() as services}:
            return [str(name) for name in services]
        case _:
            return None
