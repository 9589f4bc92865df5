"""The agent that the conformance suite is to test, and how it is run."""

import importlib
import importlib.util
import json
import os
import re
import shlex
import symtable
import sys
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from ocsd.errors import PluginError
from ocsd.site.launch import Launch
from ocsd.site.plugins import AgentEntry
from ocsd.site_config import agent_class
from ocsd.testing.agent_process import python
from ocsd.testing.device import Device

SUBJECTS = pytest.StashKey["list[Subject]"]()
LAUNCHER = "ocsd.testing.launcher"


class Simulation(Protocol):
    """The value that a plug-in's ``simulate()`` yields."""

    device: Device
    """The simulated hardware."""
    arguments: list[str]
    """Arguments for the agent's command line that lead it to the device."""


@dataclass(frozen=True, slots=True)
class Subject:
    """An agent that is to be tested."""

    name: str
    """As the author gave it."""
    entry: AgentEntry
    file: Path
    """Where its code is."""
    arguments: tuple[str, ...] = ()
    simulated: bool = True
    """Whether a ``simulator.py`` beside it counts."""

    def command(self, *words: str) -> list[str]:
        """Return how an author runs it by hand."""
        if self.entry.script is not None:
            return python(str(self.file), *self.arguments, *words)
        if "__main__" in self.file.read_text(encoding="utf-8"):
            return python("-m", str(self.entry.module), *self.arguments, *words)
        return python("-m", LAUNCHER, self._described(None), *self.arguments, *words)

    def launched(self, launch: Launch) -> list[str]:
        """Return how to run it as the daemon does."""
        return python("-m", LAUNCHER, self._described(launch))

    def simulate(self) -> AbstractContextManager[Simulation] | None:
        """Return the simulation of its hardware; None if there is no simulator."""
        file = self.file.with_name("simulator.py")
        if not self.simulated or not file.exists():
            return None
        simulation: AbstractContextManager[Simulation] = _simulator(
            file, self.entry.module
        ).simulate()
        return simulation

    def _described(self, launch: Launch | None) -> str:
        described = {"entry": asdict(self.entry), "launch": launch and launch.encoded()}
        return json.dumps(described, default=str)


def find(name: str, words: str = "", simulated: bool = True) -> Subject:
    """Return the agent that an author means.

    `name` is a class, ``path/to/agent.py`` or ``module:main``; `words` are arguments for
    its command line, quoted as for a shell. If it is `simulated`, a ``simulator.py`` beside
    it has to be of ocsd's form.

    Raises
    ------
    PluginError, UnknownAgentClassError
        If there is no such agent, or its simulator has no ``simulate()``.
    ValueError
        If `words` has a quote without its partner.
    """
    entry = _entry(name)
    if entry.script is not None:
        file = Path(entry.script)
        if not file.is_file():
            raise PluginError(f"there is no file {file}")
    else:
        file = _file_of(str(entry.module), name)
    simulator = file.with_name("simulator.py")
    if simulated and simulator.exists() and not _has_simulate(simulator):
        raise PluginError(
            f"{simulator} has no function simulate(), a context manager that yields an object "
            "with .device and .arguments (docs/write/testing.md); if it is something else, "
            "leave it out with --ocsd-agent-no-simulator"
        )
    return Subject(name, entry, file, tuple(shlex.split(words)), simulated)


def _has_simulate(file: Path) -> bool:
    """Whether a module defines or imports ``simulate``; it is not run, since it may be a program.

    One that cannot be read is taken for yes, because its import tells more.
    """
    text = file.read_text(encoding="utf-8", errors="replace")
    if re.search(r"^\s*from .* import \*", text, re.M):
        return True
    try:
        symbol = symtable.symtable(text, str(file), "exec").lookup("simulate")
    except KeyError:
        return False
    except (SyntaxError, ValueError):
        return True
    return symbol.is_assigned() or symbol.is_imported()


def _entry(name: str) -> AgentEntry:
    if name.endswith(".py"):
        return AgentEntry(Path(name).stem, None, script=str(Path(name).absolute()))
    module, colon, function = name.partition(":")
    if colon:
        return AgentEntry(module.rpartition(".")[2], module, function or "main")
    entry = agent_class(name, [os.getcwd()])
    if entry.module is None and entry.script is None:
        raise PluginError(f"{name} is the daemon itself and cannot be tested as an agent")
    return entry


def _file_of(module: str, name: str) -> Path:
    try:
        spec = importlib.util.find_spec(module)
    except ImportError as error:
        raise PluginError(f"{name}: {error}") from None
    if spec is None or spec.origin is None:
        raise PluginError(f"{name}: there is no module {module!r}; is its package installed?")
    return Path(spec.origin)


def _simulator(file: Path, agent_module: str | None) -> Any:
    if agent_module is not None and "." in agent_module:
        return importlib.import_module(f"{agent_module.rpartition('.')[0]}.simulator")
    name = re.sub(r"\W", "_", f"simulator_{file.parent}")
    if name not in sys.modules:
        # What lies beside it, e.g. drivers.py, is imported by its bare name.
        sys.path.insert(0, str(file.parent))
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise PluginError(f"{file} cannot be imported")
        sys.modules[name] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[name]
