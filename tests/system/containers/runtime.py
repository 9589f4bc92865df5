"""An OCI runtime for machines whose root may not raise limits: runc, without such limits.

podman writes limits and an OOM score into the configuration of every container. Without
CAP_SYS_RESOURCE root may not set them, and runc would refuse to start the container.
"""

import itertools
import json
import os
import sys
from pathlib import Path


def without_limits(path, *inside):
    """Remove the limits from the description of a process in a file of JSON."""
    file = Path(path)
    configuration = json.loads(file.read_text())
    process = configuration
    for key in inside:
        process = process[key]
    process.pop("rlimits", None)
    process.pop("oomScoreAdj", None)
    file.write_text(json.dumps(configuration))


def main(words):
    """Change what the command line names, then become runc."""
    for option, value in itertools.pairwise(words):
        if option in {"--bundle", "-b"}:
            without_limits(Path(value, "config.json"), "process")
        elif option in {"--process", "-p"} and "exec" in words:
            without_limits(value)
    os.execvp("runc", ["runc", *words])


if __name__ == "__main__":
    main(sys.argv[1:])
