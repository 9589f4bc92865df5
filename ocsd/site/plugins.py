"""Which code an agent class is.

Built in classes come first, then the plug-in files of the host's agent-paths,
then ocsd's own agents, then entry points of group ``ocs.plugins``. Only lists of
agents are imported here, never the agents themselves.
"""

import importlib
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from ocsd.errors import PluginError, UnknownAgentClassError
from ocsd.site.model import HOST_MANAGER
from ocsd.site.nearest import did_you_mean
from ocsd.site.plugin_file import Registration, registrations, registrations_of

ENTRY_POINT_GROUP = "ocs.plugins"
FILE_PATTERN = "ocs_plugin_*.py"
OWN_LIST = "ocsd_agents.plugin"


@dataclass(frozen=True, slots=True)
class AgentEntry:
    """Where the code of an agent class is.

    Either `module` and `entry_point` or `script` says what to run; for HostManager,
    whose part the daemon itself plays, both are None.
    """

    class_name: str
    module: str | None
    entry_point: str = "main"
    script: str | None = None
    source: str = "ocsd"
    """Who says so, for messages: ``ocsd``, a plug-in file or a distribution."""
    fork_safe: bool = True
    """False: start it with exec, not from the warm fork server."""
    preload: tuple[str, ...] = ()
    """Libraries worth having in the fork server."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A plug-in, or an entry of one, that cannot be used."""

    source: str
    reason: str

    def __str__(self) -> str:
        return f"plug-in {self.source}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every agent class that can be found, and what went wrong on the way."""

    entries: Mapping[str, AgentEntry]
    warnings: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()

    def find(self, class_name: str) -> AgentEntry:
        """Return the entry of a class.

        Raises
        ------
        UnknownAgentClassError
            If no plug-in has it.
        PluginError
            If no plug-in has it, but not all plug-ins could be read.
        """
        entry = self.entries.get(class_name)
        if entry is not None:
            return entry
        near = did_you_mean(class_name, self.entries)
        text = f"no plug-in has the agent class {class_name!r}{near}"
        if self.failures:
            raise PluginError(f"{text}; {'; '.join(str(each) for each in self.failures)}")
        known = "" if near else f"; known are {', '.join(sorted(self.entries))}"
        raise UnknownAgentClassError(
            f"{text}{known}; correct agent-class, install its package, or add its folder to "
            "agent-paths"
        )


BUILT_IN: Mapping[str, AgentEntry] = {
    "RegistryAgent": AgentEntry("RegistryAgent", "ocsd.registry.agent"),
    "AggregatorAgent": AgentEntry("AggregatorAgent", "ocsd.aggregator.agent"),
    HOST_MANAGER: AgentEntry(HOST_MANAGER, None),
}


def find_class(class_name: str, agent_paths: Sequence[str] = ()) -> AgentEntry:
    """Return where the code of one agent class is.

    Reads no more plug-ins than it must.

    Raises
    ------
    UnknownAgentClassError
        If no plug-in has it; names the nearest.
    PluginError
        If no plug-in has it, but not all plug-ins could be read.
    """
    collecting = _Collecting()
    for source in _sources(agent_paths):
        collecting.read(source)
        if class_name in collecting.entries:
            break
    return collecting.catalogue().find(class_name)


def all_classes(agent_paths: Sequence[str] = ()) -> Catalogue:
    """Return every agent class that this machine has."""
    collecting = _Collecting()
    for source in _sources(agent_paths):
        collecting.read(source)
    return collecting.catalogue()


@dataclass(frozen=True, slots=True)
class _Source:
    """One list of agent classes, not read yet."""

    name: str
    registrations: Callable[[], Iterator[Registration]]
    folder: Path | None = None


@dataclass(slots=True)
class _Collecting:
    entries: dict[str, AgentEntry] = field(default_factory=lambda: dict(BUILT_IN))
    warnings: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def read(self, source: _Source) -> None:
        # What a plug-in registered before it failed counts.
        try:
            for registration in source.registrations():
                self._add(source, registration)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - code of plug-in authors
            self.failures.append(Failure(source.name, last_line(error)))

    def _add(self, source: _Source, registration: Registration) -> None:
        try:
            entry = _entry(source, registration)
        except ValueError as error:
            self.failures.append(Failure(source.name, str(error)))
            return
        first = self.entries.setdefault(entry.class_name, entry)
        if first is not entry and _code(first) != _code(entry):
            self.warnings.append(
                f"agent class {entry.class_name} of {source.name} ({_code(entry)}) is not used, "
                f"{first.source} has one of that name ({_code(first)})"
            )

    def catalogue(self) -> Catalogue:
        return Catalogue(self.entries, tuple(self.warnings), tuple(self.failures))


def last_line(error: BaseException) -> str:
    """Return the last line of an error's traceback, e.g. ``NameError: name 'x' …``."""
    lines = traceback.format_exception_only(error)
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f"{lines[-1].strip()} in line {error.lineno}"
    return lines[-1].strip()


def _sources(agent_paths: Sequence[str]) -> Iterator[_Source]:
    for folder in map(Path, agent_paths):
        if not folder.is_dir():
            yield _Source(f"folder {folder}", partial(_no_folder, folder))
        for file in sorted(folder.glob(FILE_PATTERN)):
            yield _Source(str(file), partial(registrations, file), file.parent)
    yield _Source("ocsd", partial(_of_module, OWN_LIST))
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=_order):
        # Agents of the published OCS are written on OCS's framework, which ocsd
        # replaces; ocsd's own list is above.
        if _distribution(point) not in {"ocsd", "ocs"}:
            yield _Source(_distribution(point), partial(_of_point, point))


def _no_folder(folder: Path) -> Iterator[Registration]:
    raise FileNotFoundError(f"agent-paths names {folder}, which is no folder")


def _order(point: EntryPoint) -> tuple[str, str]:
    return _distribution(point), point.name


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _of_module(name: str) -> Iterator[Registration]:
    yield from registrations_of(importlib.import_module(name).agents)


def _of_point(point: EntryPoint) -> Iterator[Registration]:
    yield from registrations_of(point.load().agents)


def _entry(source: _Source, registration: Registration) -> AgentEntry:
    name, code = registration.class_name, registration.code
    if not isinstance(name, str) or not name:
        raise ValueError(f"{name!r} is not the name of an agent class")
    if isinstance(code, Mapping):
        return _module_entry(source, name, code)
    if isinstance(code, str | Path):
        script = (source.folder or Path()) / Path(code).expanduser()
        if not script.is_file():
            raise ValueError(f"agent class {name}: there is no file {script}")
        return AgentEntry(name, None, script=str(script.absolute()), source=source.name)
    raise ValueError(f"agent class {name}: {code!r} is neither a path nor {{'module': …}}")


def _module_entry(source: _Source, name: str, code: Mapping[str, Any]) -> AgentEntry:
    module, entry_point = code.get("module"), code.get("entry_point", "main")
    if not isinstance(module, str) or not isinstance(entry_point, str):
        raise ValueError(f"agent class {name}: 'module' and 'entry_point' must be names")
    return AgentEntry(
        name,
        module,
        entry_point,
        source=source.name,
        fork_safe=bool(code.get("fork_safe", True)),
        preload=tuple(code.get("preload", ())),
    )


def _code(entry: AgentEntry) -> str:
    return entry.script or entry.module or "the daemon"
