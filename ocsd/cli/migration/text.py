"""Prints the report of `ocsd migrate`."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from ocsd.errors import ConfigurationError
from ocsd.migration.finding import MoveFinding, MoveVerdict
from ocsd.text.plural import plural

_WIDTH = max(map(len, MoveVerdict))


def print_findings(findings: Sequence[MoveFinding], *, as_json: bool) -> int:
    """Print findings and return the exit code: 78 if something has to be corrected first."""
    if as_json:
        print(json.dumps([asdict(each) for each in findings], indent=2))
    else:
        for each in findings:
            print(f"{each.verdict:{_WIDTH}}  {each}")
        print(_summary(findings), file=sys.stderr)
    if any(each.verdict is MoveVerdict.FIRST for each in findings):
        return ConfigurationError.exit_code
    return 0


def print_steps(steps: Iterable[tuple[str, str]], *, as_json: bool) -> int:
    """Print the steps back, in order."""
    steps = list(steps)
    if as_json:
        print(json.dumps([{"step": step, "reason": reason} for step, reason in steps], indent=2))
        return 0
    for number, (step, reason) in enumerate(steps, 1):
        print(f"{number}. {step}\n   {reason}")
    return 0


def _summary(findings: Sequence[MoveFinding]) -> str:
    number = Counter(each.verdict for each in findings)
    counts = [f"{number[verdict]} {verdict}" for verdict in MoveVerdict if number[verdict]]
    text = f"ocsd: {plural(len(findings), 'line')}: {', '.join(counts)}"
    if number[MoveVerdict.FIRST]:
        return f"{text}; ocsd cannot start before those marked `first` are corrected"
    return text
