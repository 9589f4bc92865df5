"""The files of a new agent: its templates, filled in."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path, PurePath
from string import Template

from ocsd.cli.scaffold.names import Names

_TEMPLATES = Path(__file__).with_name("templates")
_SUFFIX = ".in"
_PACKAGE_FOLDER = "package"

_UNTYPED_SERIAL = """
# pyserial has no types.
[[tool.mypy.overrides]]
module = "serial.*"
ignore_missing_imports = true
"""


class Kind(StrEnum):
    """The link between the agent and its device."""

    PLAIN = "plain"
    SERIAL = "serial"
    TCP = "tcp"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class _Link:
    """The words of one kind in the files that all devices have."""

    option: str = ""
    """The agent's option for the place of the device."""
    metavar: str = ""
    help: str = ""
    real: str = ""
    """Example of the place of a real device."""
    simulated: str = ""
    """The place of the simulated one."""
    dependencies: str = ""
    untyped: str = ""


_LINKS: Mapping[Kind, _Link] = {
    Kind.PLAIN: _Link(),
    Kind.SERIAL: _Link(
        option="port",
        metavar="PATH",
        help="Serial port, preferably one of /dev/serial/by-id.",
        real="/dev/ttyUSB0",
        simulated="/tmp/{instance}",
        dependencies='"pyserial>=3.5"',
        untyped=_UNTYPED_SERIAL,
    ),
    Kind.TCP: _Link(
        option="address",
        metavar="HOST:PORT",
        help="Where the device is in the network.",
        real="10.0.0.5:7777",
        simulated="localhost:7777",
    ),
    Kind.HTTP: _Link(
        option="url",
        metavar="URL",
        help="Where the device is in the network, as http://host:port.",
        real="http://10.0.0.5",
        simulated="http://localhost:7780",
    ),
}


def files_of(names: Names, kind: Kind) -> dict[PurePath, str]:
    """Return the files of a new agent: path in its folder, content."""
    layers = ["every", "device", kind.value]
    if kind is Kind.PLAIN:
        layers.remove("device")
    words = _words(names, kind)
    made = {}
    for layer in (_TEMPLATES / each for each in layers):
        for file in sorted(layer.rglob(f"*{_SUFFIX}")):
            text = file.read_text(encoding="utf-8")
            path = _path(file.relative_to(layer), names)
            made[path] = Template(text).substitute(words).rstrip("\n") + "\n" * bool(text)
    return made


def _words(names: Names, kind: Kind) -> dict[str, str]:
    link = _LINKS[kind]
    place = link.simulated.format(instance=names.instance)
    arguments = "--mode, acq"
    if link.option:
        arguments = f"--{link.option}, {_quoted(place)}, {arguments}"
    return {
        **asdict(names),
        **asdict(link),
        "distribution": names.distribution,
        "kind": kind.value,
        "place": place,
        "arguments": arguments,
    }


def _quoted(place: str) -> str:
    """Return a word as YAML's flow lists need it."""
    if ":" in place:
        return f"'{place}'"
    return place


def _path(template: PurePath, names: Names) -> PurePath:
    folders = [names.package if part == _PACKAGE_FOLDER else part for part in template.parts[:-1]]
    return PurePath(*folders, template.name.removesuffix(_SUFFIX))
