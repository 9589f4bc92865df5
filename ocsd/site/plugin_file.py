"""Runs a plug-in file and collects the agent classes that it registers.

Such files are written for OCS: they ``import ocs`` and call
``ocs.site_config.register_agent_class``, or define a list `agents`.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Registration:
    """One agent class as a plug-in registers it, not checked yet."""

    class_name: Any
    code: Any
    """A path, or a mapping with the key ``module``."""


Modules: TypeAlias = Mapping[str, ModuleType]

_registered: list[Registration] = []


def register_agent_class(class_name: str, path: str | os.PathLike[str]) -> None:
    """Register the script of an agent class; for ``ocs_plugin_*.py`` files.

    Parameters
    ----------
    class_name : str
        The name that site files use as ``agent-class``.
    path : path
        The agent's script; relative to the folder of the plug-in file.
    """
    _registered.append(Registration(class_name, path))


def registrations(file: Path, modules_of_ocs: Modules) -> Iterator[Registration]:
    """Run a plug-in file and return what it registers.

    Whatever the file raises is raised after the registrations that went before. The file
    gets `modules_of_ocs` when it imports ``ocs`` or a module of it.
    """
    namespace: dict[str, Any] = {"__name__": file.stem, "__file__": str(file.absolute())}
    start = len(_registered)
    error: BaseException | None = None
    try:
        # Not imported, because a file that was edited must be read again.
        code = compile(file.read_bytes(), str(file), "exec")
        with _as_ocs_plugin(file.parent, modules_of_ocs):
            exec(code, namespace)
    except (Exception, SystemExit) as raised:  # noqa: BLE001 - code of plug-in authors
        error = raised
    found = _registered[start:]
    del _registered[start:]
    yield from found
    if error is not None:
        raise error
    if not found and "agents" not in namespace:
        raise ValueError(
            "it lists no agents; write agents = [('MyAgent', 'my_agent.py')], or call "
            "site_config.register_agent_class"
        )
    yield from registrations_of(namespace.get("agents", ()))


def registrations_of(agents: Any) -> Iterator[Registration]:
    """Return what a plug-in's `agents` lists, in either of its forms."""
    if isinstance(agents, Mapping):
        agents = agents.items()
    for number, pair in enumerate(agents, 1):
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            raise ValueError(f"entry {number} of agents is {pair!r}, not a pair (class, path)")
        yield Registration(*pair)


@contextmanager
def _as_ocs_plugin(folder: Path, modules_of_ocs: Modules) -> Iterator[None]:
    """Make ``import ocs`` mean ocsd, and the folder's modules importable."""
    theirs = {name: module for name, module in sys.modules.items() if _is_ocs(name)}
    path = list(sys.path)
    _forget_ocs()
    sys.modules.update(modules_of_ocs)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path[:] = path
        _forget_ocs()
        sys.modules.update(theirs)


def _is_ocs(name: str) -> bool:
    return name == "ocs" or name.startswith("ocs.")


def _forget_ocs() -> None:
    for name in [name for name in sys.modules if _is_ocs(name)]:
        del sys.modules[name]
