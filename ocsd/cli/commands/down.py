"""`ocsd down`: bring instances down."""

from typing import Any

import click

from ocsd.cli import changes
from ocsd.cli.arguments import options


@click.command(
    epilog=options.examples(
        "ocsd down thermo1", "ocsd down --all", "ocsd down --timeout 20 thermo1"
    )
)
@changes.arguments
def down(**arguments: Any) -> int:
    """Bring instances down and keep them down.

    The target outlives the daemon.
    """
    return changes.change("down", **arguments)
