"""`ocsd up`: bring instances up."""

from typing import Any

import click

from ocsd.cli import up_down_restart
from ocsd.cli.arguments import options


@options.command(
    "ocsd up fake-data1",
    "ocsd up thermo1 thermo2",
    "ocsd up 'thermo-*'",
    "ocsd up --class FakeDataAgent",
    "ocsd up --all",
)
@up_down_restart.arguments
@click.option(
    "--also-put-down",
    is_flag=True,
    help="With --all: start also what somebody has put down by its name.",
)
def up(**arguments: Any) -> int:
    """Bring instances up and keep them up.

    NAME may be a pattern. An instance that has failed is tried again. The target outlives the
    daemon. With --all, what somebody has put down by its name stays down, and is listed.
    """
    return up_down_restart.change("up", **arguments)
