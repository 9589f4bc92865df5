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
from collections.abc import Callable
from pathlib import Path

from benchmarks import ocs_venv, router, site, table
from benchmarks.measure import Figures, Plan, measure
from benchmarks.supervising.observer import Observer
from benchmarks.supervising.ocs_side import OcsSide
from benchmarks.supervising.ocsd_side import OcsdSide
from benchmarks.supervising.side import Side

SIDES = ("ocs", "ocsd")


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the table and write the JSON file."""
    options = _parser().parse_args(arguments)
    plan = Plan(options.agents, options.restarts, options.cpu_window)
    wanted = [options.only] if options.only else list(SIDES)
    python = None
    if "ocs" in wanted:
        python = options.ocs_python or ocs_venv.python()
    # Kept when something fails: the logs are in it. Its path is short for the sockets' sake.
    folder = Path(tempfile.mkdtemp(prefix="ocsd-bench-"))
    try:
        figures = _run(folder, options, plan, wanted, python)
    except BaseException:
        print(f"failed; the logs are in {folder}", file=sys.stderr)
        raise
    shutil.rmtree(folder, ignore_errors=True)
    figures |= _earlier(options.beside, wanted)
    print(table.markdown(figures.get("ocs"), figures.get("ocsd")))
    if options.json:
        everything = {side: dataclasses.asdict(value) for side, value in figures.items()}
        options.json.write_text(json.dumps(everything, indent=2) + "\n")


def _run(
    folder: Path,
    options: argparse.Namespace,
    plan: Plan,
    wanted: list[str],
    python: Path | None,
) -> dict[str, Figures]:
    first, _, last = options.ports.partition("-")
    hub = site.Hub(router.free_port(int(first), int(last or first)))
    site_file = site.write(folder / "site.yaml", hub, plan.agents)
    neighbour = folder / "ocsd" / "runtime" / "router"
    with router.running(options.crossbar, folder / "router", hub, neighbour):
        observer = Observer(hub)
        observer.open()
        makers: dict[str, Callable[[], Side]] = {
            "ocs": lambda: OcsSide(python or Path(), site_file, observer, folder / "ocs"),
            "ocsd": lambda: OcsdSide(site_file, folder / "ocsd"),
        }
        try:
            return {name: measure(makers[name](), observer, plan) for name in wanted}
        finally:
            observer.close()


def _earlier(path: Path | None, measured: list[str]) -> dict[str, Figures]:
    """Read the figures of the side that was not measured this time."""
    if path is None:
        return {}
    found = json.loads(path.read_text())
    return {
        name: Figures(**found[name]) for name in SIDES if name in found and name not in measured
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.supervision", description=__doc__)
    parser.add_argument("--agents", type=int, default=50, metavar="N")
    parser.add_argument("--restarts", type=int, default=20, metavar="N")
    parser.add_argument("--cpu-window", type=float, default=20.0, metavar="SECONDS")
    parser.add_argument("--only", choices=SIDES, help="measure one side")
    parser.add_argument(
        "--beside", type=Path, metavar="FILE", help="take the other side from this JSON file"
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
    return parser


if __name__ == "__main__":
    main()
