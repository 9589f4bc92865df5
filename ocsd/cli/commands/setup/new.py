"""`ocsd new`: make the folder of a new agent, ready to be changed."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path, PurePath
from shlex import join

import click

from ocsd.cli.arguments import options
from ocsd.cli.scaffold.making import Kind, files_of
from ocsd.cli.scaffold.names import Names, names_of
from ocsd.errors import ConfigurationError, PluginError, UsageError


@options.command(
    "ocsd new pressure-gauge --serial     # a folder pressure-gauge with PressureGaugeAgent",
    "ocsd new agents/psu --tcp            # in another place",
    "ocsd new weather --http",
    "ocsd new clock                       # no device, or one of another kind",
    after="README.md in the new folder says how to go on. An existing folder is never changed.",
)
@click.argument("path", metavar="NAME", type=click.Path(path_type=Path))
@click.option("--serial", is_flag=True, help="Its device has a serial port.")
@click.option("--tcp", is_flag=True, help="Its device has a network port.")
@click.option("--http", is_flag=True, help="Its device has a web interface.")
def new(path: Path, **links: bool) -> None:
    """Make the folder of a new agent, with driver, simulator and tests.

    The agent works as it is, with a simulated device, and passes the conformance suite. Change it
    into the agent of your device. NAME may be a path: its last part is the name.
    """
    names = names_of(path.name)
    kind = _kind(links)
    _refuse_known_class(names)
    _write(path, files_of(names, kind))
    python = sys.executable
    if shutil.which("python") == python:
        python = "python"
    print(f"made {path}, with {names.agent}; next:")
    print(f"  {join(['cd', str(path)])}")
    print(f"  {python} -m pip install -e '.[test]'")
    print(f"  {python} -m pytest")


def _kind(links: Mapping[str, bool]) -> Kind:
    match [link for link, is_given in links.items() if is_given]:
        case []:
            return Kind.PLAIN
        case [link]:
            return Kind(link)
        case several:
            given = " and ".join(f"--{link}" for link in several)
            raise UsageError(f"{given} exclude each other: an agent is in charge of one device")


def _refuse_known_class(names: Names) -> None:
    """Refuse a name whose agent class exists: the first one would be used, and not the new one."""
    # Plug-ins take longer to read than most commands to run.
    from ocsd import site_config

    entry = site_config.agent_classes().entries.get(names.agent)
    if entry is not None:
        raise PluginError(
            f"there is an agent class {names.agent} already, of {entry.source}; choose another name"
        )


def _write(folder: Path, files: Mapping[PurePath, str]) -> None:
    """Make a folder with files, all of them or none."""
    if os.path.lexists(folder):
        raise ConfigurationError(
            f"{folder} is there already and is not changed; choose another name or place"
        )
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise ConfigurationError(f"cannot make {folder}: {error.strerror}") from error
    try:
        for path, text in files.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise ConfigurationError(f"cannot make {folder}: {error.strerror}") from error
