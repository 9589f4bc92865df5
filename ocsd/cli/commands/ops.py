"""`ocsd ops`: what an agent can be asked to do, and how its operations are doing."""

import inspect
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from ocsd.cli.arguments import completion, options
from ocsd.cli.commands.call import find_operation
from ocsd.cli.screen import session_text, terminal
from ocsd.cli.screen.progress import WaitIndicator
from ocsd.cli.screen.table import Cell, ScreenColumn, table_lines
from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.talk import site_router

_COLUMNS = (
    ScreenColumn("OPERATION"),
    ScreenColumn("KIND"),
    ScreenColumn("STATE"),
    ScreenColumn("PARAMETERS"),
    ScreenColumn("ABOUT"),
)
_PARAM_COLUMNS = (
    ScreenColumn("PARAMETER"),
    ScreenColumn("TYPE"),
    ScreenColumn("DEFAULT"),
    ScreenColumn("CHOICES"),
)
_NONE = "-"
_NOT_TOLD = "?"


@click.command(
    epilog=options.examples(
        "ocsd ops fake-data1",
        "ocsd ops fake-data1 delay_task     # its parameters, docstring and latest run",
        "ocsd ops fake-data1 --json",
    )
)
@click.argument("name", shell_complete=completion.instance_ids)
@click.argument("operation", metavar="[OP]", required=False, shell_complete=completion.operations)
@options.json_option
@options.site_file_option
@options.host_option
def ops(
    name: str, operation: str | None, as_json: bool, site_file: str | None, host: str | None
) -> None:
    """List the operations of agent NAME, or tell all about OP.

    A parameter with a value may be left out and then has that value. `?` stands
    where the agent does not tell its parameters.
    """
    router = site_router.find(site_file, host)
    with router.explaining(name), WaitIndicator(f"waiting for {name}"):
        api = router.client(name).get_api()
    names = [entry[0] for entry in [*api["tasks"], *api["processes"]]]
    wanted = sorted(names) if operation is None else [operation]
    found = {each: find_operation(api, name, each) for each in wanted}
    if as_json:
        document = {
            "agent": name,
            "agent_class": api.get("agent_class"),
            "operations": [{"name": each, **op_info} for each, op_info in found.items()],
        }
        print(json.dumps(document, indent=2))
        return
    screen = terminal.of(sys.stdout, os.environ)
    print(f"{screen.bold(name)}  {api.get('agent_class')}")
    if operation is None:
        rows = [_row(each, op_info, screen) for each, op_info in found.items()]
        print("\n".join(table_lines(_COLUMNS, rows, screen) if rows else ["no operations"]))
    else:
        print("\n".join(_details(operation, found[operation], screen)))


def _row(name: str, op_info: Mapping[str, Any], screen: Terminal) -> list[Cell]:
    signature, about = _read(op_info.get("docstring") or "", name)
    params = op_info.get("params")
    return [
        Cell(name),
        Cell(str(op_info.get("op_type"))),
        session_text.state_cell(op_info["session"]),
        Cell(signature if params is None else _words(params)),
        Cell(about or _NONE),
    ]


def _read(docstring: str, name: str) -> tuple[str, str]:
    """Return parameters and purpose as a docstring tells them.

    In OCS's convention the first paragraph is the signature and the second
    begins with the kind of operation.
    """
    paragraphs = [terminal.one_line(each) for each in docstring.strip().split("\n\n")]
    signature = re.fullmatch(rf"{re.escape(name)}\((.*)\)", paragraphs[0])
    if signature:
        paragraphs = paragraphs[1:]
    about = re.sub(r"^\*\*\w+\*\*( \([\w ]+\))?\s*[-:]?\s*", "", "".join(paragraphs[:1]))
    return (signature[1] or _NONE) if signature else _NOT_TOLD, about


def _words(params: Sequence[Mapping[str, Any]]) -> str:
    """Return how parameters are written for `ocsd call`: ``delay=5.0 mode=STR``."""
    return " ".join(f"{one.get('key')}={_value(one)}" for one in params) or _NONE


def _value(param: Mapping[str, Any]) -> str:
    if param.get("required"):
        return str(param.get("type") or "value").upper()
    return _written(param.get("default"))


def _written(value: Any) -> str:
    """Return a value as one writes it on the command line."""
    return value if isinstance(value, str) and value else json.dumps(value)


def _details(name: str, op_info: Mapping[str, Any], screen: Terminal) -> list[str]:
    params = op_info.get("params")
    lines = ["", f"{screen.bold(name)}  {op_info.get('op_type')}", ""]
    docstring = inspect.cleandoc(op_info.get("docstring") or "It has no docstring.")
    lines += [f"  {line}".rstrip() for line in terminal.printable(docstring).splitlines()]
    if params:
        rows = [_param_row(one) for one in params]
        lines += ["", *(f"  {line}" for line in table_lines(_PARAM_COLUMNS, rows, screen))]
    session = session_text.session_lines(op_info["session"], screen)
    return [*lines, "", *(session or ["  never run"])]


def _param_row(param: Mapping[str, Any]) -> list[Cell]:
    choices = param.get("choices")
    return [
        Cell(str(param.get("key"))),
        Cell(str(param.get("type") or _NONE)),
        Cell("required" if param.get("required") else _written(param.get("default"))),
        Cell(_NONE if choices is None else " ".join(_written(each) for each in choices)),
    ]
