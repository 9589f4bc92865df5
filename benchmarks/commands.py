"""Processor time of whole commands, beside those of other supervisors: a running host is asked.

python -m benchmarks.commands --name fake-data1 --beside ".venv-ocs/bin/ocsbow status"
"""

import argparse
import resource
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

COMMANDS = ("--help", "status", "status --json", "why {name}", "logs {name}", "history")
BUDGETS_S = {
    "--help": 0.1,
    "status": 0.12,
    "why {name}": 0.15,
    "logs {name}": 0.15,
    "history": 0.15,
}


def cost(command: Sequence[str]) -> tuple[float, float]:
    """Return processor time and time of a command [s]."""
    before, begun_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return cpu_s, time.perf_counter() - begun_s


def line(title: str, command: Sequence[str], rounds: int, budget_s: float | None) -> str:
    """Return a row of the table: medians of some rounds."""
    costs = [cost(command) for _ in range(rounds)]
    cpu_s, wall_s = (statistics.median(values) for values in zip(*costs, strict=True))
    budget = ""
    if budget_s is not None:
        verdict = "kept"
        if cpu_s > budget_s:
            verdict = "**missed**"
        budget = f"≤ {budget_s * 1000:.0f} ms {verdict}"
    return f"| `{title}` | {cpu_s * 1000:.0f} ms | {wall_s * 1000:.0f} ms | {budget} |"


def main() -> None:
    """Measure all commands, one after the other, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="fake-data1", help="an instance of the running host")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--beside", action="append", default=[], help="another command")
    args = parser.parse_args()
    print("| command | CPU | time | budget |\n|---|---|---|---|")
    nothing = [sys.executable, "-c", "pass"]
    print(line("python -c pass", nothing, args.rounds, None))
    for words in COMMANDS:
        title = f"ocsd {words.format(name=args.name)}"
        command = [sys.executable, "-m", *title.split()]
        print(line(title, command, args.rounds, BUDGETS_S.get(words)))
    for other in args.beside:
        print(line(other, shlex.split(other), args.rounds, None))


if __name__ == "__main__":
    main()
