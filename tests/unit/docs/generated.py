"""Makes pages of docs/reference/ from the code: ``python -m tests.unit.docs.generated``."""

import importlib
import inspect
import io
import os
import pkgutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import click

import ocsd
from ocsd.cli.main import main
from ocsd.cli.main import ocsd as command_line
from ocsd.errors import OcsdError

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
HOW = "run: python -m tests.unit.docs.generated"
_WIDTH = 96

_MODULES = (
    *("ocs_agent", "ocs_feed", "ocs_twisted", "site_config", "base", "access", "testing"),
    *("ocs_client", "client_http", "client_t", "matched_client"),
)
_PROGRAMS = ("agent_cli", "client_cli", "ocsbow", "ocs_systemd", "checkdata")
"""OCS's programs, which are modules in its name only."""
_HOMES = {
    **{name: f"ocsd.compat.{name}" for name in ("access", *_PROGRAMS)},
    "checkdata": "ocsd.data.checkdata",
}
"""The modules that have another place in ocsd than in OCS."""
_COMMANDS_HEAD = """\
# Commands

This page is made from the commands themselves. [Operating a host](../run/operating.md) says when to
use which. Each prints its part of this page with `--help`.
"""
_ERRORS_HEAD = """\
# Errors

This page is made from the code. When ocsd cannot do what it was asked for, it prints one line
without a traceback, and ends with one of the [exit codes](../run/operating.md#commands). Each such
line is one of these errors. Any other error, with a traceback, is a fault of ocsd.

| error | exit code | meaning |
|---|---:|---|
"""
_NAMES_HEAD = """\
# Public names

This page is made from the code. It lists every public name that authors of agents and clients may
import, from `ocsd` or from `ocs`, with its signature. [The Python API](agent-api.md) explains how
they belong together.

The modules from `agent_cli` on are OCS's programs. Import them from `ocs`; new scripts have no need
of them.
"""


def commands() -> str:
    """Return the help of every command, as a page."""
    parts = [_COMMANDS_HEAD]
    for words in _walk(command_line, "ocsd", None):
        level = "#" * min(2 + words.count(" "), 3)
        parts.append(f"{level} {words}\n\n```text\n{_help(words)}\n```\n")
    return "\n".join(parts)


def errors() -> str:
    """Return every error that an operator may see, with its exit code, as a page."""
    for module in pkgutil.walk_packages(ocsd.__path__, "ocsd."):
        if _may_be_imported(module.name):
            importlib.import_module(module.name)
    found = sorted(_descendants(OcsdError), key=lambda each: each.__name__)
    rows = [
        f"| `{each.__name__}` | {each.exit_code} | {_cell(_first(each))} |"
        for each in found
        if each.__module__.startswith("ocsd.") and not each.__name__.startswith("_")
    ]
    return _ERRORS_HEAD + "\n".join(rows) + "\n"


def names() -> str:
    """Return every public name of the API for authors, as a page."""
    parts = [_NAMES_HEAD]
    for name in (*_MODULES, *_PROGRAMS):
        module = importlib.import_module(_HOMES.get(name, f"ocsd.{name}"))
        parts.append(f"## {name}\n\n{_cell(_first(module))}\n\n| name | |\n|---|---|")
        for public in sorted(_public(module), key=str.lower):
            parts += [_row(*each) for each in _with_methods(public, getattr(module, public))]
        parts.append("")
    return "\n".join(parts)


PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "errors.md": errors,
    "names.md": names,
}


def _walk(command: click.Command, words: str, parent: click.Context | None) -> Iterator[str]:
    yield words
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=words.rpartition(" ")[2], parent=parent)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None and not found.hidden:
                yield from _walk(found, f"{words} {name}", context)


def _help(words: str) -> str:
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    with redirect_stdout(said), patch.dict(os.environ, COLUMNS=str(_WIDTH), NO_COLOR="1"):
        main([*words.split()[1:], "--help"])
    said.seek(0)
    return "\n".join(line.rstrip() for line in said.read().splitlines()).strip()


def _may_be_imported(name: str) -> bool:
    left_out = ("__main__", ".path", ".stubs", ".shadow", "ocsd.testing.", ".top", ".postgres")
    return not any(each in name for each in left_out)


def _descendants(cls: type[OcsdError]) -> set[type[OcsdError]]:
    found = {cls}
    for each in cls.__subclasses__():
        found |= _descendants(each)
    return found


def _public(module: ModuleType) -> Iterable[str]:
    """Return the public names of a module: those that it lists, or else defines."""
    listed: Iterable[str] | None = getattr(module, "__all__", None)
    if listed is not None:
        return listed
    return [
        name
        for name, thing in vars(module).items()
        if name[0] != "_" and getattr(thing, "__module__", "") == module.__name__
    ]


def _with_methods(name: str, thing: Any) -> Iterator[tuple[str, Any]]:
    yield name, thing
    if inspect.isclass(thing) and thing.__module__.startswith("ocsd."):
        ours = [cls for cls in thing.__mro__ if cls.__module__.startswith("ocsd.")]
        for member in dict.fromkeys(member for cls in ours for member in vars(cls)):
            found = getattr(thing, member)
            if member[0] != "_" and _is_shown(found):
                yield f"{name}.{member}", found


def _is_shown(member: Any) -> bool:
    """Whether a member of a class is a method, property or value of ocsd's."""
    function = member.fget if isinstance(member, property) else member
    is_ours = str(getattr(function, "__module__", "")).startswith("ocsd.")
    return is_ours and (callable(function) or isinstance(member, Enum))


def _row(name: str, thing: Any) -> str:
    shown = name
    if isinstance(thing, Enum):
        return f"| `{shown}` | `{thing.value!r}` |"
    is_enum = inspect.isclass(thing) and issubclass(thing, Enum)
    if callable(thing) and not is_enum:
        shown += _signature(thing)
    return f"| `{_cell(shown)}` | {_cell(_first(thing))} |"


def _signature(thing: Any) -> str:
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return ""
    plain = [
        each.replace(annotation=inspect.Parameter.empty, default=_default(each.default))
        for each in found.parameters.values()
        if each.name != "self"
    ]
    return str(inspect.Signature(plain))


class _Shown:
    def __repr__(self) -> str:
        return "…"


def _default(default: Any) -> Any:
    if default is inspect.Parameter.empty or isinstance(default, str | int | float | None):
        return default
    return _Shown()


def _first(thing: Any) -> str:
    """Return the first paragraph of a docstring of ours; nothing for a value."""
    if not (inspect.ismodule(thing) or callable(thing) or isinstance(thing, property)):
        return ""
    return " ".join((inspect.getdoc(thing) or "").partition("\n\n")[0].split())


def _cell(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|")


if __name__ == "__main__":
    for file, page in PAGES.items():
        (REFERENCE / file).write_text(page())
