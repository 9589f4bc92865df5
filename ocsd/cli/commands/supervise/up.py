"""`ocsd up`: bring instances up."""

from typing import Any

from ocsd.cli import up_down_restart
from ocsd.cli.arguments import options


@options.command("ocsd up fake-data1", "ocsd up thermo1 thermo2", "ocsd up --all")
@up_down_restart.arguments
def up(**arguments: Any) -> int:
    """Bring instances up and keep them up.

    An instance that has failed is tried again. The target outlives the daemon.
    """
    return up_down_restart.change("up", **arguments)
