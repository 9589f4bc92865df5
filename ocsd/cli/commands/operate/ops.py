"""`ocsd ops`: the operations of an agent, their parameters and their latest runs."""

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

import click

from ocsd.cli.arguments import completion, options
from ocsd.cli.commands.operate.call import find_operation
from ocsd.cli.screen import session_text, terminal
from ocsd.cli.screen.progress import WaitIndicator
from ocsd.cli.screen.table import Cell, columns, table_lines
from ocsd.cli.screen.terminal import LAYOUT, Terminal
from ocsd.cli.talk import site_router
from ocsd.text.printable import one_line, printable

_COLUMNS = columns("OPERATION", "KIND", "STATE", "PARAMETERS", "ABOUT")
_PARAM_COLUMNS = columns("PARAMETER", "TYPE", "DEFAULT", "CHOICES")
_NONE = "-"
_UNPUBLISHED = "?"


@options.command(
    "ocsd ops fake-data1",
    "ocsd ops fake-data1 delay_task     # its parameters, docstring and latest run",
    "ocsd ops fake-data1 --json",
)
@click.argument("instance_id", metavar="NAME", shell_complete=completion.instance_ids)
@click.argument("operation", metavar="[OP]", required=False, shell_complete=completion.operations)
@options.json_option
@options.site_file_option
@options.host_option
def ops(
    instance_id: str, operation: str | None, as_json: bool, site_file: str | None, host: str | None
) -> None:
    """List the operations of agent NAME, or show all about OP.

    A parameter with a value may be left out and then has that value. `?` means
    that the agent does not publish its parameters.
    """
    router = site_router.find(site_file, host)
    with router.explaining(instance_id), WaitIndicator(f"waiting for {instance_id}"):
        api = router.client(instance_id).get_api()
    names = {operation} if operation else {entry[0] for entry in [*api["tasks"], *api["processes"]]}
    operations = {name: find_operation(api, instance_id, name) for name in sorted(names)}
    if as_json:
        document = {
            "agent": instance_id,
            "agent_class": api.get("agent_class"),
            "operations": [{"name": name, **op_info} for name, op_info in operations.items()],
        }
        print(json.dumps(document, indent=2))
        return
    screen = terminal.of_output()
    lines = [f"{screen.bold(instance_id)}  {api.get('agent_class')}"]
    if operation:
        lines += _details(operation, operations[operation], screen)
    elif operations:
        rows = [_row(name, op_info) for name, op_info in operations.items()]
        lines += table_lines(_COLUMNS, rows, screen)
    else:
        lines.append("no operations")
    print("\n".join(lines))


def _row(name: str, op_info: Mapping[str, Any]) -> list[Cell]:
    params_text, about = _read(op_info.get("docstring") or "", name)
    if op_info.get("params") is not None:
        params_text = _words(op_info["params"])
    state = session_text.state_cell(op_info["session"])
    kind = Cell(str(op_info.get("op_type")))
    return [Cell(name), kind, state, Cell(params_text), Cell(about or _NONE)]


def _read(docstring: str, name: str) -> tuple[str, str]:
    """Return the parameters and the purpose that a docstring describes.

    By OCS's convention the first paragraph is the signature and the second
    begins with the kind of operation.
    """
    paragraphs = [one_line(paragraph) for paragraph in docstring.strip().split("\n\n")]
    params_text = _UNPUBLISHED
    signature = re.fullmatch(rf"{re.escape(name)}\((.*)\)", paragraphs[0])
    if signature:
        params_text = signature[1] or _NONE
        paragraphs = paragraphs[1:]
    about = re.sub(r"^\*\*\w+\*\*( \([\w ]+\))?\s*[-:]?\s*", "", "".join(paragraphs[:1]))
    return params_text, about


def _words(params: Sequence[Mapping[str, Any]]) -> str:
    """Return parameters as they are written for `ocsd call`: ``delay=5.0 mode=STR``."""
    return " ".join(f"{param.get('key')}={_value(param)}" for param in params) or _NONE


def _value(param: Mapping[str, Any]) -> str:
    if param.get("required"):
        return str(param.get("type") or "value").upper()
    return _written(param.get("default"))


def _written(value: Any) -> str:
    """Return a value as it is written on the command line."""
    if isinstance(value, str) and value:
        return value
    return json.dumps(value)


def _details(name: str, op_info: Mapping[str, Any], screen: Terminal) -> list[str]:
    params = op_info.get("params")
    lines = ["", f"{screen.bold(name)}  {op_info.get('op_type')}", ""]
    docstring = inspect.cleandoc(op_info.get("docstring") or "It has no docstring.")
    lines += [f"  {line}".rstrip() for line in printable(docstring, keep=LAYOUT).splitlines()]
    if params:
        rows = [_param_row(param) for param in params]
        lines += ["", *(f"  {line}" for line in table_lines(_PARAM_COLUMNS, rows, screen))]
    session = session_text.session_lines(op_info["session"], screen)
    return [*lines, "", *(session or ["  never run"])]


def _param_row(param: Mapping[str, Any]) -> list[Cell]:
    default = "required"
    if not param.get("required"):
        default = _written(param.get("default"))
    choices = " ".join(_written(choice) for choice in param.get("choices") or ())
    texts = (str(param.get("key")), str(param.get("type") or _NONE), default, choices or _NONE)
    return [Cell(text) for text in texts]
