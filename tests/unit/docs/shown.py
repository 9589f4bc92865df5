"""What pages show of the output of commands, held against the texts in the code."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
_VARIABLE = re.compile(
    r"""'[^' ]*'            # a name
    |\d{4}-\d\d-\d\dT[\d:.]+Z?
    |(?:wss?|https?)://\S+ # an address
    |(?<![\w.])/[\w./-]+   # a path
    |\d+(?:\.\d+)?         # a number
    |\bSIG[A-Z]+\b|->     # a signal, a change of state
    |\b(?:up|down|starting|stopping|silence|hole|python3|root|acq|observatory[.\w-]+)\b
    |\b(?:thermo|fake-data)\d\b|\bpid\b|\bno\ daemon\b|\bwamp_server\b
    |[,;:()|`]|\s{2,}     # between what is put together at run time; between columns""",
    re.VERBOSE,
)
_FEWEST_WORDS = 2


@cache
def texts(root: Path = ROOT) -> str:
    """Return every text of the code of ocsd and its agents, each on a line."""
    found = []
    for folder in ("ocsd", "agents"):
        for file in sorted((root / folder).rglob("*.py")):
            tree = ast.parse(file.read_text())
            found += [each.value for each in ast.walk(tree) if _is_text(each)]
    return "\n".join(" ".join(each.split()) for each in found)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def pieces(shown: str) -> Iterator[str]:
    """Yield the parts of an output that do not depend on names and numbers."""
    for piece in _VARIABLE.split(shown):
        words = piece.strip(" .")
        if len(words.split()) >= _FEWEST_WORDS or words.isupper():
            yield words


def unknown(shown: str, known: str) -> list[str]:
    """Return the parts of an output that stand nowhere in the code."""
    return [piece for piece in pieces(shown) if piece not in known]
