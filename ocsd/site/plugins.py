"""Finds the code of an agent class.

Built-in classes come first, then the plug-in files of the host's agent-paths,
then ocsd's own agents, then entry points of group ``ocs.plugins``. Only lists of
agents are imported here, never the agents themselves.
"""

import importlib
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ocsd.errors import ConfigurationError, PluginError, UnknownAgentClassError
from ocsd.site.plugin_file import Modules, Registration, registrations, registrations_of
from ocsd.site.recording import (
    AGGREGATOR_CLASS,
    INFLUXDB_1_CLASS,
    INFLUXDB_2_CLASS,
    POSTGRES_CLASS,
)
from ocsd.site.values.instance import HOST_MANAGER, Manage
from ocsd.system.classes import ALARMS_CLASS, BRIDGE_CLASS, WEB_CLASS
from ocsd.system.entry_points import EntryPoint, entry_points
from ocsd.text.nearest import nearest

if TYPE_CHECKING:
    from ocsd.site.model import Instance, Site

ENTRY_POINT_GROUP = "ocs.plugins"
FILE_PATTERN = "ocs_plugin_*.py"
_COMMON = "Agent"
OWN_LIST = "ocsd_agents.plugin"


@dataclass(frozen=True, slots=True)
class AgentEntry:
    """The place of an agent class's code.

    Either `module` and `entry_point` or `script` says what to run; for HostManager,
    whose part the daemon itself plays, both are None.
    """

    class_name: str
    module: str | None
    entry_point: str = "main"
    script: str | None = None
    source: str = "ocsd"
    """The plug-in, for messages: ``ocsd``, a plug-in file or a distribution."""
    fork_safe: bool = True
    """False: start it with exec, not from the warm fork server."""
    preload: tuple[str, ...] = ()
    """Libraries worth having in the fork server."""
    warnings: tuple[str, ...] = ()
    """For the operator: other plug-ins that have a class of this name."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A plug-in, or an entry of one, that cannot be used."""

    source: str
    reason: str
    no_folder: bool = False
    """A folder of agent-paths is not there, which matters only to a class that is not found."""

    def __str__(self) -> str:
        return f"plug-in {self.source}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Every agent class that was found, and the plug-ins that failed."""

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
        mark = f"agent class {class_name}:"
        own = [str(failure) for failure in self.failures if mark in failure.reason]
        if own:
            raise PluginError("; ".join(own))
        near = _near_class(class_name, self.entries)
        text = f"no plug-in has the agent class {class_name!r}"
        if self.failures:
            raise PluginError("; ".join([text + near, *map(str, self.failures)]))
        known = ""
        if not near:
            # Last, for a long list is cut where there is little room.
            known = f"; known are {', '.join(sorted(self.entries))}"
        raise UnknownAgentClassError(
            f"{text}{near}; correct agent-class, install its package, or put a file "
            f"ocs_plugin_NAME.py that lists it into a folder of agent-paths{known}"
        )


def _near_class(name: str, known: Iterable[str]) -> str:
    """Propose a class; the suffix "Agent", which most classes share, does not count."""
    bare = {known_name.removesuffix(_COMMON): known_name for known_name in known}
    near = nearest(name.removesuffix(_COMMON), bare)
    if near is None:
        return ""
    return f"; did you mean {bare[near]!r}?"


BUILT_IN: Mapping[str, AgentEntry] = {
    "RegistryAgent": AgentEntry("RegistryAgent", "ocsd.registry.agent"),
    AGGREGATOR_CLASS: AgentEntry(AGGREGATOR_CLASS, "ocsd.aggregator.agent"),
    INFLUXDB_1_CLASS: AgentEntry(INFLUXDB_1_CLASS, "ocsd.export.databases.agent"),
    INFLUXDB_2_CLASS: AgentEntry(INFLUXDB_2_CLASS, "ocsd.export.databases.agent", "main_v2"),
    POSTGRES_CLASS: AgentEntry(POSTGRES_CLASS, "ocsd.export.databases.postgres.agent"),
    WEB_CLASS: AgentEntry(WEB_CLASS, "ocsd.web.process"),
    BRIDGE_CLASS: AgentEntry(BRIDGE_CLASS, "ocsd.bridge.process"),
    ALARMS_CLASS: AgentEntry(ALARMS_CLASS, "ocsd.evaluator.process"),
    "AccessDirector": AgentEntry("AccessDirector", "ocsd.director.agent"),
    HOST_MANAGER: AgentEntry(HOST_MANAGER, None),
}


def find_class(class_name: str, agent_paths: Sequence[str], modules_of_ocs: Modules) -> AgentEntry:
    """Return where the code of one agent class is, for `ocsd.site_config.agent_class`.

    Every plug-in is read, because a class in two of them is a mistake to report. A plug-in
    file gets `modules_of_ocs` when it imports ``ocs`` or a module of it.
    """
    if class_name in BUILT_IN:
        return BUILT_IN[class_name]
    collecting = _collect(agent_paths, modules_of_ocs)
    entry = collecting.catalogue().find(class_name)
    return replace(entry, warnings=tuple(collecting.duplicates.get(class_name, ())))


def all_classes(agent_paths: Sequence[str], modules_of_ocs: Modules) -> Catalogue:
    """Return every agent class that this machine has, for `ocsd.site_config.agent_classes`."""
    return _collect(agent_paths, modules_of_ocs).catalogue()


def moved(before: Catalogue, after: Catalogue) -> frozenset[str]:
    """Return the classes whose code `after` has in another place than `before`.

    A class that only one of them has counts.
    """
    places = [
        {name: _place_of(entry) for name, entry in classes.entries.items()}
        for classes in (before, after)
    ]
    return frozenset(name for name, _ in places[0].items() ^ places[1].items())


def missing(site: "Site", instances: "Iterable[Instance]", classes: Catalogue) -> dict[str, str]:
    """Return the problem of each instance whose class is not among `classes`, by instance-id."""
    # Of the plug-ins as a whole, each failure is told once, not for each class that may be
    # missing because of it.
    own = [each for each in classes.failures if each.no_folder or "agent class " in each.reason]
    classes = replace(classes, failures=tuple(own))
    found = {}
    for instance in instances:
        try:
            _find_class(instance, classes)
        except ConfigurationError as error:
            name = instance.instance_id
            found[name] = f"{site.place(instance.line)}: instance '{name}': {error}"
    return found


def problems(missing: Mapping[str, str], classes: Catalogue) -> list[str]:
    """Return the failures of plug-ins, and then the problems of instances, without repetitions."""
    failed = {str(failure) for failure in classes.failures if not failure.no_folder}
    told = list(missing.values())
    # A failure of one class is told with the instance that needs it.
    return [each for each in failed if not any(each in other for other in told)] + told


def _find_class(instance: "Instance", classes: Catalogue) -> None:
    if instance.manage not in {Manage.UP, Manage.DOWN}:
        return  # what something else runs need not be installed here
    if instance.runtime == "ocsd":
        classes.find(instance.agent_class)
    elif instance.python and shutil.which(instance.python) is None:
        # Its classes belong to another interpreter, which is asked only at the start.
        raise ConfigurationError(f"python {instance.python} is not a program; correct its path")


def _place_of(entry: AgentEntry) -> tuple[str, str]:
    # The same folder may be spelled in another way.
    return os.path.realpath(entry.script or "") + (entry.module or ""), entry.entry_point


@dataclass(frozen=True, slots=True)
class _ClassList:
    """A list of agent classes, not read yet."""

    name: str
    registrations: Callable[[], Iterator[Registration]]
    folder: Path | None = None
    fills_gaps: bool = False
    """Classes that other lists have, too, are not reported."""


@dataclass(slots=True)
class _Collecting:
    entries: dict[str, AgentEntry] = field(default_factory=lambda: dict(BUILT_IN))
    duplicates: dict[str, list[str]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)

    def read(self, source: _ClassList) -> None:
        # Classes that a plug-in registered before it failed count.
        try:
            for registration in source.registrations():
                self._add(source, registration)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - code of plug-in authors
            self.failures.append(Failure(source.name, last_line(error)))

    def _add(self, source: _ClassList, registration: Registration) -> None:
        try:
            entry = _entry(source, registration)
        except ValueError as error:
            self.failures.append(Failure(source.name, str(error)))
            return
        first = self.entries.setdefault(entry.class_name, entry)
        if _code(first) != _code(entry) and not source.fills_gaps:
            self.duplicates.setdefault(entry.class_name, []).append(
                f"agent class {entry.class_name} of {source.name} ({_code(entry)}) is not used, "
                f"{first.source} has one of that name ({_code(first)})"
            )

    def catalogue(self) -> Catalogue:
        warnings = (text for texts in self.duplicates.values() for text in texts)
        return Catalogue(self.entries, tuple(warnings), tuple(self.failures))


def _collect(agent_paths: Sequence[str], modules_of_ocs: Modules) -> _Collecting:
    collecting = _Collecting()
    for folder in agent_paths:
        if not os.path.isdir(folder):
            reason = "agent-paths names it, and there is no such folder"
            collecting.failures.append(Failure(f"folder {folder}", reason, no_folder=True))
    for source in _sources(agent_paths, modules_of_ocs):
        collecting.read(source)
    return collecting


def last_line(error: BaseException) -> str:
    """Return the last line of an error's traceback, e.g. ``NameError: name 'x' …``."""
    lines = traceback.format_exception_only(error)
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        return f"{lines[-1].strip()} in {os.path.basename(error.filename)}, line {error.lineno}"
    return lines[-1].strip()


def _sources(agent_paths: Sequence[str], modules_of_ocs: Modules) -> Iterator[_ClassList]:
    for folder in map(Path, agent_paths):
        for file in sorted(folder.glob(FILE_PATTERN)):
            read = partial(registrations, file, modules_of_ocs)
            yield _ClassList(str(file), read, file.parent)
    yield _ClassList("ocsd", partial(_of_module, OWN_LIST))
    for point in _entry_points():
        name = point.distribution
        if name == "ocs":
            # Most agents of the published OCS are ocsd's own as well.
            read = partial(_of_published, point, modules_of_ocs)
            yield _ClassList(name, read, fills_gaps=True)
        elif name != "ocsd":  # its own list is above
            yield _ClassList(name, partial(_of_point, point))


def _entry_points() -> list[EntryPoint]:
    """Return the entry point of each installed plug-in.

    A distribution that is installed in two folders counts once: Python imports the first.
    """
    found: dict[tuple[str, str], EntryPoint] = {}
    for folder in sys.path:
        try:
            changed_at_ns = os.stat(folder or os.curdir).st_mtime_ns
        except OSError:
            continue
        for point in _points_in(folder, changed_at_ns):
            found.setdefault((point.distribution, point.name), point)
    return [found[key] for key in sorted(found)]


def packages() -> set[str]:
    """Return the top-level packages of the installed plug-ins that are not ocsd's or OCS's."""
    points = (each for each in _entry_points() if each.distribution not in {"ocs", "ocsd"})
    return {point.module.partition(".")[0] for point in points}


@cache
def _points_in(folder: str, _changed_at_ns: int) -> list[EntryPoint]:
    """Return the entry points in a folder of the search path, read again when it changes.

    Reading them takes 3 ms; agents inherit those that their fork server has read.
    """
    return list(entry_points(folder, ENTRY_POINT_GROUP))


def _of_module(name: str) -> Iterator[Registration]:
    yield from registrations_of(importlib.import_module(name).agents)


def _of_point(point: EntryPoint) -> Iterator[Registration]:
    yield from registrations_of(point.load().agents)


def _of_published(point: EntryPoint, modules_of_ocs: Modules) -> Iterator[Registration]:
    # Importing it would make `ocs` the published package in this process.
    file = Path(point.folder, point.module.replace(".", "/") + ".py")
    if file.is_file():
        yield from registrations(file, modules_of_ocs)


def _entry(source: _ClassList, registration: Registration) -> AgentEntry:
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


def _module_entry(source: _ClassList, name: str, code: Mapping[str, Any]) -> AgentEntry:
    module, entry_point = code.get("module"), code.get("entry_point", "main")
    if not isinstance(module, str) or not isinstance(entry_point, str):
        raise ValueError(f"agent class {name}: 'module' and 'entry_point' must be names")
    fork_safe, preload = bool(code.get("fork_safe", True)), tuple(code.get("preload", ()))
    return AgentEntry(
        name, module, entry_point, source=source.name, fork_safe=fork_safe, preload=preload
    )


def _code(entry: AgentEntry) -> str:
    return entry.script or entry.module or "the daemon"
