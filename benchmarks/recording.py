"""The aggregator of the published OCS beside ocsd's: values/s into G3 files, peak memory.

::

    python -m benchmarks.recording [--only core|crossbar] [--ocs-python PATH]
        [--folder PATH] [--repeat N]

Each figure is taken in a process of its own, OCS and ocsd in turn, and the best of
each counts, so that what else the machine does falls on both. ocsd's figures
include its journal, which OCS has not. First the cores alone, then the whole
aggregators behind a crossbar (`benchmarks.end_to_end`).
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import end_to_end, ocs_venv

SIDE = Path(__file__).with_name("recording_side.py")


@dataclass(frozen=True, slots=True)
class Case:
    """Messages of one shape.

    Attributes
    ----------
    name : str
        For people.
    what : str
        ``speed`` or ``memory``.
    feeds, fields, samples, seconds : int
        Of each second of `seconds`: one message of each feed, of so many samples
        of so many fields.
    """

    name: str
    what: str
    feeds: int
    fields: int
    samples: int
    seconds: int


CASES = (
    Case("messages of 1,000 samples of 16 fields", "speed", 10, 16, 1000, 60),
    Case("messages of 100 samples of 16 fields", "speed", 10, 16, 100, 300),
    Case("messages of 1 sample of 16 fields", "speed", 50, 16, 1, 420),
    Case("messages of 1 sample of 16 fields, 1,000 feeds", "speed", 1000, 16, 1, 60),
    Case("320,000 values/s, frames of 60 s", "memory", 20, 16, 1000, 120),
)


def run(python: Path | str, side: str, case: Case, folder: Path) -> dict[str, float]:
    """Return what one side reports of one case."""
    sizes = [case.feeds, case.fields, case.samples, case.seconds]
    with tempfile.TemporaryDirectory(dir=folder) as data:
        command = [str(python), str(SIDE), side, data, case.what, *map(str, sizes)]
        found = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=600)
    report: dict[str, float] = json.loads(found.stdout.splitlines()[-1])
    return report


def compare(case: Case, ocs: Path, folder: Path, repeat: int) -> str:
    """Return a line of the table."""
    figure = "values_per_s" if case.what == "speed" else "peak_bytes"
    best = max if case.what == "speed" else min
    pairs = [
        (run(ocs, "ocs", case, folder)[figure], run(sys.executable, "ocsd", case, folder)[figure])
        for _ in range(repeat)
    ]
    theirs, ours = best(pair[0] for pair in pairs), best(pair[1] for pair in pairs)
    if case.what == "speed":
        return f"| {case.name} | {_values(theirs)} | {_values(ours)} | {ours / theirs:.1f} |"
    return f"| {case.name} | {theirs / 1e6:.0f} MB | {ours / 1e6:.0f} MB | 1/{theirs / ours:.1f} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--only", choices=["core", "crossbar"], help="leave out the other")
    parser.add_argument("--ocs-python", type=Path, help="a Python that has the published ocs")
    parser.add_argument("--folder", type=Path, help="where to write (default: the temporary one)")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each (default: 3)")
    args = parser.parse_args()
    ocs = args.ocs_python or ocs_venv.python()
    folder = args.folder or Path(tempfile.gettempdir())
    if args.only != "crossbar":
        print("| what | OCS | ocsd | ratio |\n|---|---|---|---|", flush=True)
        for case in CASES:
            print(compare(case, ocs, folder, args.repeat), flush=True)
    if args.only != "core":
        print("\n" + end_to_end.compare(ocs, folder, args.repeat), flush=True)


def _values(per_s: float) -> str:
    return f"{per_s / 1e6:.2f} M values/s"


if __name__ == "__main__":
    main()
