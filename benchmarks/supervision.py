"""Run OCS and ocsd with the same site and compare them.

``python -m benchmarks.supervision [--agents N] [--only ocs|ocsd] [--json FILE]``
starts one crossbar, then each side in turn with N FakeDataAgents, and prints a
markdown table. Everything runs on the loopback interface and in a temporary
folder; nothing that runs on the machine already is touched.
"""

import argparse
import dataclasses
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ocs_venv, router, site, table
from benchmarks.measure import Figures, Plan, measure
from benchmarks.supervising.observer import Observer
from benchmarks.supervising.ocs_side import OcsSide
from benchmarks.supervising.ocsd_side import OcsdSide
from benchmarks.supervising.side import Side
from ocsd.system.paths import ROUTER_SOCKET

SIDES = ("ocs", "ocsd")


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the sides of a run work."""

    hub: site.Hub
    site_file: Path
    observer: Observer
    folder: Path
    raw_socket: Path
    """The router's Unix socket."""
    agents: int


Makers = Mapping[str, Callable[[], Side]]


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the table and write the JSON file."""
    parser = argparse.ArgumentParser(prog="benchmarks.supervision", description=__doc__)
    add_options(parser)
    parser.add_argument("--only", choices=SIDES, help="measure one side")
    options = parser.parse_args(arguments)
    wanted = [options.only] if options.only else list(SIDES)
    figures = figures_of(options, wanted, makers)
    print(table.markdown(figures.get("ocs"), figures.get("ocsd")))


def makers(scene: Scene, options: argparse.Namespace, wanted: list[str]) -> Makers:
    """Return how to make OCS's side and ocsd's."""
    python = Path()
    if "ocs" in wanted:
        python = options.ocs_python or ocs_venv.python()
    site_file, folder = scene.site_file, scene.folder
    return {
        "ocs": lambda: OcsSide(python, site_file, scene.observer, folder / "ocs"),
        "ocsd": lambda: OcsdSide(site_file, folder / "ocsd"),
    }


def figures_of(
    options: argparse.Namespace,
    wanted: list[str],
    make: Callable[[Scene, argparse.Namespace, list[str]], Makers],
) -> dict[str, Figures]:
    """Measure the wanted sides, one after the other at one router.

    Parameters
    ----------
    options : argparse.Namespace
        Those of `add_options`. With ``beside``, other sides are taken from that file; with
        ``json``, all are written to that one.
    wanted : list of str
        Names of sides.
    make : callable
        Returns how to make each side, by name.

    Returns
    -------
    dict of Figures
        By the name of the side.
    """
    # Kept when something fails: the logs are in it. Its path is short for the sockets' sake.
    folder = Path(tempfile.mkdtemp(prefix="ocsd-bench-"))
    try:
        figures = _run(folder, options, wanted, make)
    except BaseException:
        print(f"failed; the logs are in {folder}", file=sys.stderr)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    figures |= _earlier(options.beside, wanted)
    if options.json:
        everything = {side: dataclasses.asdict(value) for side, value in figures.items()}
        options.json.write_text(json.dumps(everything, indent=2) + "\n")
    return figures


def _run(
    folder: Path,
    options: argparse.Namespace,
    wanted: list[str],
    make: Callable[[Scene, argparse.Namespace, list[str]], Makers],
) -> dict[str, Figures]:
    plan = Plan(options.agents, options.restarts, options.cpu_window)
    first, _, last = options.ports.partition("-")
    hub = site.Hub(router.free_port(int(first), int(last or first)))
    site_file = site.write(folder / "site.yaml", hub, plan.agents)
    neighbour = folder / "ocsd" / "runtime" / "router"
    with router.running(options.crossbar, folder / "router", hub, neighbour) as router_pid:
        observer = Observer(hub)
        observer.open()
        scene = Scene(hub, site_file, observer, folder, neighbour / ROUTER_SOCKET, plan.agents)
        sides = make(scene, options, wanted)
        try:
            return {name: measure(sides[name](), observer, plan, router_pid) for name in wanted}
        finally:
            observer.close()


def _earlier(path: Path | None, measured: list[str]) -> dict[str, Figures]:
    """Read the figures of the sides that were not measured this time."""
    if path is None:
        return {}
    found = json.loads(path.read_text())
    return {name: Figures(**side) for name, side in found.items() if name not in measured}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a run, but for the choice of the sides."""
    parser.add_argument("--agents", type=int, default=50, metavar="N")
    parser.add_argument("--restarts", type=int, default=20, metavar="N")
    parser.add_argument("--cpu-window", type=float, default=20.0, metavar="SECONDS")
    parser.add_argument(
        "--beside", type=Path, metavar="FILE", help="take sides not measured from this JSON file"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures")
    parser.add_argument("--ports", default="18200-18299", metavar="FIRST-LAST")
    parser.add_argument(
        "--crossbar", type=Path, default=Path(sys.executable).with_name("crossbar"), metavar="PATH"
    )
    parser.add_argument(
        "--ocs-python",
        type=Path,
        metavar="PATH",
        help=f"a Python that has ocs (default: {ocs_venv.DEFAULT.name}, made when missing)",
    )


if __name__ == "__main__":
    main()
