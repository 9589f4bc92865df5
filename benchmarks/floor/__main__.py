"""Measure which goals are beneath what the libraries cost by themselves.

A bare program, without anything of ocsd, forks agents of nothing but Python, twisted and autobahn,
which join the same crossbar, register what an agent registers and publish its heartbeat: once over
a WebSocket, in the usual ways of autobahn, and once over the router's Unix socket, in the cheapest
ways known. OCS, ocsd and both of these are measured one after the other, from outside, by the same
functions (as ``python -m benchmarks.supervision``).
"""

import argparse
from typing import Final

from benchmarks.floor import verdict
from benchmarks.floor.bare_side import BareSide
from benchmarks.site import instance_ids
from benchmarks.supervision import Makers, Scene, add_options, figures_of, makers

ALL_SIDES: Final = ("ocs", "ocsd", *verdict.BARE)

EXAMPLES: Final = """examples:
  the whole table, 10 minutes     python -m benchmarks.floor --restarts 6
  on a busy machine               python -m benchmarks.floor --agents 12 --only ocsd,unix
  200 agents (OCS takes 10 GB)    python -m benchmarks.floor --agents 200 --only ocsd,websocket,unix
  with OCS of an earlier run      python -m benchmarks.floor --only ocsd,unix --beside earlier.json
"""


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the table and write the JSON file."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.floor",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_options(parser)
    parser.add_argument(
        "--only",
        type=sides,
        default=list(ALL_SIDES),
        metavar="SIDE,SIDE",
        help=f"of {', '.join(ALL_SIDES)}; by default all",
    )
    options = parser.parse_args(arguments)
    print(verdict.markdown(figures_of(options, options.only, all_makers)))


def sides(text: str) -> list[str]:
    """Read names of sides, separated by commas.

    Raises
    ------
    argparse.ArgumentTypeError
        If one is none.
    """
    names = text.split(",")
    if unknown := [name for name in names if name not in ALL_SIDES]:
        known = ", ".join(ALL_SIDES)
        raise argparse.ArgumentTypeError(f"there is no side {unknown[0]!r}; there are {known}")
    return names


def all_makers(scene: Scene, options: argparse.Namespace, wanted: list[str]) -> Makers:
    """Return how to make each side."""
    names, folder = instance_ids(scene.agents), scene.folder
    routers = {"websocket": scene.hub.wamp_server, "unix": str(scene.raw_socket)}

    def maker(side: str) -> BareSide:
        name = f"the libraries, {side}"
        return BareSide(name, routers[side], scene.hub, names, folder / side)

    return {
        **makers(scene, options, wanted),
        "websocket": lambda: maker("websocket"),
        "unix": lambda: maker("unix"),
    }


if __name__ == "__main__":
    main()
