"""`ocsd up`: bring instances up."""

from typing import Any

import click

from ocsd.cli import changes
from ocsd.cli.arguments import options


@click.command(
    epilog=options.examples("ocsd up fake-data1", "ocsd up thermo1 thermo2", "ocsd up --all")
)
@changes.arguments
def up(**arguments: Any) -> int:
    """Bring instances up and keep them up.

    An instance that has failed is tried again. The target outlives the daemon.
    """
    return changes.change("up", **arguments)
