"""Cyclomatic complexity, as radon counts it."""

from collections.abc import Iterable
from dataclasses import dataclass

from radon.complexity import cc_rank, cc_visit_ast
from radon.visitors import Function

from tests.architecture.measures.source import Place, Source

PLAIN_RANKS = frozenset({"A", "B"})
"""Ranks of a function of complexity 10 or less."""


@dataclass(frozen=True)
class Complexity:
    """The complexity of one function, method or class.

    Parameters
    ----------
    value : int
        Number of independent paths, conditional expressions and comprehensions
        included; for a class, the mean of its methods.
    place : Place
        Where it begins.
    is_function : bool
        False for a class.
    """

    value: int
    place: Place
    is_function: bool

    @property
    def is_plain(self) -> bool:
        """True if radon ranks it A or B."""
        return cc_rank(self.value) in PLAIN_RANKS


def complexities(sources: Iterable[Source]) -> list[Complexity]:
    """Return the complexity of each function, method and class, as ``radon cc`` does."""
    found = []
    for source in sources:
        # Methods stand in this list beside their classes.
        for block in cc_visit_ast(source.tree):
            value = block.complexity
            text = f"{block.fullname} is {cc_rank(value)} ({value})"
            place = source.place(block.lineno, text)
            found.append(Complexity(value, place, isinstance(block, Function)))
    return found


def complex_functions(found: Iterable[Complexity]) -> list[Place]:
    """Return the functions that radon ranks C or worse, the most complex first."""
    worse = [each for each in found if each.is_function and not each.is_plain]
    return [each.place for each in sorted(worse, key=lambda each: -each.value)]


def mean(found: Iterable[Complexity]) -> float:
    """Return the mean complexity, classes included, as ``radon cc --average`` does."""
    values = [each.value for each in found]
    return sum(values) / max(len(values), 1)
