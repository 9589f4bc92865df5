"""Runs one agent class, as the daemon runs it: ``python -m ocsd.testing.launcher JSON WORDS…``."""

import json
import sys

from ocsd.forkserver import program
from ocsd.site.plugins import AgentEntry
from ocsd.site.values import told as launches


def main() -> int:
    """Run it to its end and return its exit code."""
    _, described, *words = sys.argv
    what = json.loads(described)
    if what["launch"] is not None:
        launches.set_current(launches.ToldLaunch.of(what["launch"]))
    return program.run(lambda: AgentEntry(**what["entry"]), words)


if __name__ == "__main__":
    sys.exit(main())
