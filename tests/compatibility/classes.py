"""Which agent classes other packages publish, and the arguments that they need."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from socket import SOCK_DGRAM
from typing import Any

import yaml

from ocsd.site_config import agent_classes
from ocsd.testing import SerialDevice, TcpDevice
from tests.compatibility.fleet import Wanted, free_port

TABLE = Path(__file__).with_name("instances.yaml")


@dataclass(frozen=True)
class AgentClass:
    """One agent class of another package."""

    name: str
    package: str
    module: str
    settings: Mapping[str, Any]

    @property
    def needs(self) -> str:
        """What it wants and cannot get here."""
        return str(self.settings.get("needs", ""))


def published_classes(only: tuple[str, ...] = ()) -> list[AgentClass]:
    """Return the classes of installed packages that ocsd does not have itself."""
    table = yaml.safe_load(TABLE.read_text())
    found = [
        AgentClass(name, entry.source, str(entry.module), table.get(name, {}))
        for name, entry in agent_classes().entries.items()
        if entry.source != "ocsd"
    ]
    return sorted(
        (each for each in found if not only or each.name in only),
        key=lambda each: (each.package != "ocs", each.name.lower()),
    )


def package_versions(classes: list[AgentClass]) -> dict[str, str]:
    """Return the versions of the packages that the classes come from."""
    return {name: version(name) for name in sorted({each.package for each in classes})}


@contextmanager
def without_devices(classes: list[AgentClass], config: Path) -> Iterator[list[Wanted]]:
    """Give an instance of each class, with a device that does not answer."""
    with ExitStack() as stack:
        silent = stack.enter_context(TcpDevice(lambda _: None, terminator=b""))
        for port in {port for each in classes for port in each.settings.get("listens", ())}:
            # Whoever else has the port is no device either.
            with suppress(OSError):
                stack.enter_context(TcpDevice(lambda _: None, terminator=b"", port=port))
        wanted = []
        for each in classes:
            write_files(each, config)
            folder = config / "folders" / each.name
            folder.mkdir(parents=True)
            serial = stack.enter_context(SerialDevice(lambda _: None, terminator=b""))
            places = {
                "host": silent.host,
                "port": silent.port,
                "serial": serial.port,
                "udp": free_port(SOCK_DGRAM),
                "refused": free_port(),
                "free": free_port(),
                "folder": folder,
                "config": config,
            }
            words = each.settings.get("arguments", ())
            wanted.append(Wanted(each.name, [str(word).format(**places) for word in words]))
        yield wanted


def write_files(agent_class: AgentClass, config: Path) -> None:
    """Write the files that a class wants in ``$OCS_CONFIG_DIR``."""
    for name, text in agent_class.settings.get("files", {}).items():
        (config / name).parent.mkdir(parents=True, exist_ok=True)
        (config / name).write_text(text)
