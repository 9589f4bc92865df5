"""`ocsd restart`: stop instances and start them again."""

from typing import Any

from ocsd.cli import changes
from ocsd.cli.arguments import options


@options.command("ocsd restart thermo1", "ocsd restart --all", "ocsd restart --json --all")
@changes.arguments
def restart(**arguments: Any) -> int:
    """Stop instances and start them again.

    An agent whose code was edited runs its new code. With --all, instances whose
    target is down, and jobs that are done, stay down.
    """
    return changes.change("restart", **arguments)
