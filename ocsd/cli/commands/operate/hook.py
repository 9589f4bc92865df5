"""`ocsd hook`: list the hooks of this host, or try one although nothing has happened."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import click

from ocsd.cli.arguments import completion, options
from ocsd.cli.screen import terminal
from ocsd.cli.screen.table import Cell, columns, table_lines
from ocsd.cli.talk import control
from ocsd.errors import OcsdError
from ocsd.text.printable import printable
from ocsd.text.units import short_duration


@options.command(
    "ocsd hook                     # which commands run on which occasion",
    "ocsd hook on-failed thermo1   # as if thermo1 had failed",
    "ocsd hook on-ok thermo1       # and as if it were well again",
    after="Exit code 1 means that the command failed.",
)
@click.argument("occasion", metavar="[OCCASION]", required=False)
@click.argument("name", metavar="[NAME]", required=False, shell_complete=completion.names)
@options.host_option
def hook(occasion: str | None, name: str | None, host: str | None) -> int:
    """Try a hook of this host, or list the hooks.

    The daemon runs the command of OCCASION at once, as its own user, with the facts that it would
    get if that happened to instance NAME (by default the first one). The facts have `"test":
    true`, and the reason says that nothing has happened. What the command prints is shown.
    """
    daemon = control.find(host)
    if occasion is None:
        print("\n".join(_listed(daemon.ask("/v1/hooks")["hooks"])))
        return 0
    _show(daemon.try_hook(occasion, name))
    return 0


def _listed(hooks: Mapping[str, Sequence[str]]) -> list[str]:
    rows = [[Cell(occasion), Cell(shlex.join(words))] for occasion, words in hooks.items()]
    if not rows:
        return ["the site file has no hooks for this host (key `hooks`)"]
    return list(table_lines(columns("OCCASION", "COMMAND"), rows, terminal.of_output()))


def _show(end: Mapping[str, Any]) -> None:
    """Print what a hook did.

    Raises
    ------
    OcsdError
        If it failed.
    """
    print(f"{end['occasion']} of {end['instance_id']}: {shlex.join(end['command'])}")
    for line in end["printed"].splitlines():
        print(f"  {printable(line)}")
    took = short_duration(end["took_s"])
    if end["failure"]:
        raise OcsdError(f"the hook failed after {took}: {end['failure']}")
    print(f"it ended well after {took}")
