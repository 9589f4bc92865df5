"""`ocsd restart`: stop instances and start them again."""

from typing import Any

from ocsd.cli import up_down_restart
from ocsd.cli.arguments import options


@options.command(
    "ocsd restart thermo1",
    "ocsd restart 'thermo-*'",
    "ocsd restart --class FakeDataAgent",
    "ocsd restart --all",
    "ocsd restart --json --all",
)
@up_down_restart.arguments
def restart(**arguments: Any) -> int:
    """Stop instances and start them again.

    NAME may be a pattern. An agent whose code was edited runs its new code. With --all,
    instances whose target is down, and jobs that are done, stay down.
    """
    return up_down_restart.change("restart", **arguments)
