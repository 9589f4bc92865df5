"""The start of the crossbar that is installed with ocsd; the module loads nothing."""

import os
import sys
from pathlib import Path
from typing import Final

ROUTER_PROGRAM: Final = "ocsd.router.crossbar_node"
"""The module that runs it."""

COMMAND: Final = (sys.executable, "-P", "-m", ROUTER_PROGRAM)
"""The command that runs it, without the words for crossbar that follow."""


def environment() -> dict[str, str]:
    """Return the variables of a router that everybody joins."""
    paths = [str(Path(__file__).parent / "shadow"), os.environ.get("PYTHONPATH", "")]
    return {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
