"""`ocsd down`: bring instances down."""

from typing import Any

from ocsd.cli import up_down_restart
from ocsd.cli.arguments import options


@options.command("ocsd down thermo1", "ocsd down --all", "ocsd down --timeout 20 thermo1")
@up_down_restart.arguments
def down(**arguments: Any) -> int:
    """Bring instances down and keep them down.

    The target outlives the daemon.
    """
    return up_down_restart.change("down", **arguments)
