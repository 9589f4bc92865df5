"""`ocsd down`: bring instances down."""

from typing import Any

from ocsd.cli import changes
from ocsd.cli.arguments import options


@options.command("ocsd down thermo1", "ocsd down --all", "ocsd down --timeout 20 thermo1")
@changes.arguments
def down(**arguments: Any) -> int:
    """Bring instances down and keep them down.

    The target outlives the daemon.
    """
    return changes.change("down", **arguments)
