"""`ocsd down`: bring instances down."""

from typing import Any

from ocsd.cli import up_down_restart
from ocsd.cli.arguments import options


@options.command(
    "ocsd down thermo1",
    "ocsd down 'thermo-*'",
    "ocsd down --class FakeDataAgent",
    "ocsd down --all --yes",
    "ocsd down --timeout 20 thermo1",
)
@up_down_restart.arguments
@options.yes_option
def down(**arguments: Any) -> int:
    """Bring instances down and keep them down.

    NAME may be a pattern. The target outlives the daemon. Before all of a host go down, a person
    at a terminal is asked.
    """
    return up_down_restart.change("down", **arguments)
