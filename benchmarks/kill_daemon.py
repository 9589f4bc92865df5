"""Kill the daemon at random moments, over and over, and look at what is left.

``python -m benchmarks.kill_daemon [--times N] [--seed S] [--agents N]``: a site in
a temporary folder, whose daemon is killed (-9) while it starts, while it carries
out a request (up, down, restart, reload, stop, upgrade) or while it does nothing, and in
one round of eight together with its fork server. The next daemon must find every
process that lives, start no second copy, and want what was wanted. The moments
follow from the seed, as far as a machine repeats itself.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.system.conftest import Site
from tests.system.daemon_killer import Killer


def main(arguments: list[str] | None = None) -> int:
    """Run the rounds and print the report."""
    parser = argparse.ArgumentParser(description="Kill the daemon at random moments.")
    parser.add_argument("--times", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--agents", type=int, default=6)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="ocsd-") as folder:
        killer = Killer(Site(Path(folder)), options.agents, options.seed)
        try:
            report = killer.run(options.times, lambda done: _tell(done, options.times))
        finally:
            left = killer.end()
    report.violations += [f"did not end by itself: {each}" for each in left]
    print(f"seed {options.seed}, {options.agents} agents\n{report}")
    return 1 if report.violations else 0


def _tell(done: int, times: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == times else ""
        print(f"\rround {done} of {times}", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
