"""Judges the systemd units of an OCS site, and the scripts that they run.

`ocs-install-systemd` writes a unit and a launcher script beside the site file (ocs 0.12.1,
`ocs/ocs_systemd.py`); people also run `ocs-local-support`, crossbar or docker compose by units.
"""

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ocsd.migration.finding import MoveFinding, Paper


class UnitRole(StrEnum):
    """The part of a site that a unit starts."""

    MANAGER = "the HostManager"
    SUPPORT = "crossbar and the HostManager"
    ROUTER = "crossbar"
    CONTAINERS = "the services of docker compose"
    AGENT = "an agent"


_ROLES: Final = (
    (UnitRole.SUPPORT, r"ocs-local-support|ocsbow"),
    (UnitRole.MANAGER, r"host_manager|HostManager|--instance-id[= ]\"?hm-"),
    (UnitRole.AGENT, r"ocs\.agent_cli|ocs-agent-cli|ocs\.agents\.|socs\.agents\."),
    (UnitRole.CONTAINERS, r"(?<!-)docker[ -]compose"),
    (UnitRole.ROUTER, r"crossbar"),
)
_OWN_USER: Final = "ocs"
"""The user of ocsd's unit, if nobody names another one."""
_INHERITED: Final = ("Environment", "EnvironmentFile", "SupplementaryGroups", "WorkingDirectory")
"""Settings of a unit that agents inherit."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit file, with the script that it runs."""

    name: str
    file: str
    text: str
    script_file: str | None = None
    script: str = ""
    """The launcher script; empty if the unit runs no script."""

    @property
    def role(self) -> UnitRole | None:
        """The part of OCS that it starts; None if none."""
        commands = [value for _, key, value in settings(self.text) if key.startswith("Exec")]
        whole = "\n".join([*commands, self.script])
        for role, pattern in _ROLES:
            if re.search(pattern, whole):
                return role
        return None

    @property
    def python(self) -> str | None:
        """The interpreter that runs OCS."""
        whole = f"{self.text}\n{self.script}"
        found = re.search(r"^\s*(?:export )?PYTHON=(\S+)", whole, re.MULTILINE)
        found = found or re.search(r"(\S*/python[\d.]*) -m ocs\.", whole)
        return found[1].strip("\"'") if found else None

    @property
    def compose_files(self) -> tuple[str, ...]:
        """The compose files that it gives to the HostManager."""
        found = re.search(r"--docker-compose[= ](\S+)", f"{self.text}\n{self.script}")
        if found is None or self.role not in {UnitRole.MANAGER, UnitRole.AGENT}:
            return ()
        return tuple(each for each in found[1].strip("\"'").split(",") if each)


def settings(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, key and value of each setting of a unit file."""
    for number, line in enumerate(text.splitlines(), 1):
        key, equals, value = line.strip().partition("=")
        if equals and re.fullmatch(r"\w+", key):
            yield number, key, value.strip()


def program_of(text: str) -> str | None:
    """Return the program that a unit starts."""
    for _, key, value in settings(text):
        if key == "ExecStart":
            try:
                words = shlex.split(value.lstrip("-@+!:"))
            except ValueError:
                words = value.split()
            return next(iter(words), None)
    return None


def findings(units: Iterable[Unit]) -> Iterator[MoveFinding]:
    """Yield what to do about each unit that starts a part of OCS."""
    for unit in units:
        role = unit.role
        if role is not None:
            yield from _of_unit(unit, role)
            yield from _of_script(unit)


def _of_unit(unit: Unit, role: UnitRole) -> Iterator[MoveFinding]:
    paper = Paper(unit.file)
    for line, key, value in settings(unit.text):
        if key == "ExecStart" and role is UnitRole.CONTAINERS:
            text = "it starts the services of docker compose, also those that are no agents"
            yield paper.to_do(line, unit.name, text, "leave it, but for services that ocsd manages")
        elif key == "ExecStart":
            yield paper.to_do(
                line,
                unit.name,
                f"it starts {role} at boot, and two would run the same agents",
                f"at the move: systemctl disable --now {unit.name}; then: ocsd install --now",
            )
        elif key == "User" and value == _OWN_USER:
            yield paper.taken(line, "User", f"ocsd runs as {value}, too")
        elif key == "User":
            text = f"OCS runs as {value}, and ocsd as {_OWN_USER} unless told otherwise"
            yield paper.to_do(line, "User", text, f"ocsd install --user {value}")
        elif key in _INHERITED:
            text = f"agents get {value}, and those of ocsd would not"
            yield paper.to_do(line, key, text, f"systemctl edit ocsd, and add {key}={value}")


def _of_script(unit: Unit) -> Iterator[MoveFinding]:
    if unit.script_file is None:
        return
    paper = Paper(unit.script_file)
    for number, line in enumerate(unit.script.splitlines(), 1):
        exported = re.match(r"\s*export\s+(\w+)=(.*)", line)
        if exported is not None and exported[1] not in {"PYTHON", "SITE_FILE"}:
            pair = f"{exported[1]}={exported[2].strip()}"
            text = f"agents get {pair}, and those of ocsd would not"
            step = f"systemctl edit ocsd, and add Environment={pair}"
            yield paper.to_do(number, "export", text, step)
        named = re.search(r"SITE_FILE=(\S+)|--site-file=(/\S+)", line)
        if named is not None:
            file = named[1] or named[2]
            text = f"OCS reads {file}"
            step = f"after the move: ocsd install --site-file {file}"
            yield paper.to_do(number, "site file", text, step)
