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
    """The complexity of one function or method.

    Parameters
    ----------
    value : int
        Number of independent paths, conditional expressions and comprehensions included.
    place : Place
        Where the function begins.
    """

    value: int
    place: Place

    @property
    def is_plain(self) -> bool:
        """True if radon ranks the function A or B."""
        return cc_rank(self.value) in PLAIN_RANKS


def complexities(sources: Iterable[Source]) -> list[Complexity]:
    """Return the complexity of each function and method."""
    found = []
    for source in sources:
        # Methods stand in the list beside their classes.
        for block in filter(_is_function, cc_visit_ast(source.tree)):
            value = block.complexity
            text = f"{block.fullname} is {cc_rank(value)} ({value})"
            found.append(Complexity(value, source.place(block.lineno, text)))
    return found


def complex_functions(sources: Iterable[Source]) -> list[Place]:
    """Return the functions that radon ranks C or worse, the most complex first."""
    found = [function for function in complexities(sources) if not function.is_plain]
    return [function.place for function in sorted(found, key=lambda each: -each.value)]


def _is_function(block: object) -> bool:
    return isinstance(block, Function)
