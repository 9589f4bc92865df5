"""Print the scoreboard, or the places behind one of its figures."""

import argparse
import sys
from pathlib import Path

from tests.architecture.listings import LISTINGS, below
from tests.architecture.repository import PRODUCT, ROOT, Repository
from tests.architecture.scoreboard import scoreboard


def main(arguments: list[str], root: Path = ROOT) -> None:
    """Print the scoreboard or a listing.

    Parameters
    ----------
    arguments : list of str
        Those of the command line.
    root : Path
        The repository to measure.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.architecture", description=__doc__)
    parser.add_argument("--list", choices=LISTINGS, metavar="MEASURE", help=", ".join(LISTINGS))
    parser.add_argument("paths", nargs="*", help="list only what lies in these files or folders")
    options = parser.parse_args(arguments)
    if options.paths and not options.list:
        parser.error("paths are for --list; the scoreboard is of the whole product")
    if options.list:
        paths = [Path(path).resolve().relative_to(root).as_posix() for path in options.paths]
        more = [path for path in paths if Path(path).parts[0] not in {*PRODUCT, "docs"}]
        for place in below(LISTINGS[options.list](Repository(root, more)), paths):
            print(place)
    else:
        print(scoreboard(Repository(root)))


if __name__ == "__main__":
    main(sys.argv[1:])
