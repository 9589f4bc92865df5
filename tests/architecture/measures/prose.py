"""Docstrings and comments: their first words, and words that native writers avoid."""

import ast
import re
import tokenize
from collections.abc import Iterable, Iterator
from itertools import pairwise

from tests.architecture.measures.source import Place, Source

OPENINGS = frozenset({"what", "who", "whoever", "so", "how", "that"})

_VERB = r"(?:is|are|was|were|has|have|had|may|must|can|cannot|could|will|would|does|did)"

DIALECT = {
    "somebody, nobody": r"\b(?:somebody|nobody)\b",
    "is no X": r"(?<!there )\b(?:is|are|was|were) no (?!longer\b|more\b|such\b)\w+",
    "tells, told": r"\b(?:tells|told)\b",
    "causal for": r"\w, for (?:(?:it|he|they|there|this|that|these|we|you|what|who|whoever)\b"
    rf"|(?:[\w']+ ){{1,6}}{_VERB}\b)",
    "so many, so long, so often": r"\bso (?:many|long|often|much)\b(?! as\b)",
    "anew": r"\banew\b",
    "bare who": r"(?:\A\s*|[.;:]\s+|\b(?:of|to|by|for|and|or|but|that|with)\s+)(?:who|whoever)\b",
    "look, tell, note, know": r"\A\s*(?:look|tell|take note|note|know)\b",
}
"""Regular expressions for the words of house-review, section 3, by the name of each."""

_PATTERNS = {name: re.compile(pattern, re.IGNORECASE) for name, pattern in DIALECT.items()}
_DIRECTIVE = re.compile(r"\s*(?:type: ignore|noqa|pragma:)")
_WORD = re.compile(r"[A-Za-z]+")

Text = tuple[int, str]
"""Number of the first line, and the text itself."""


def docstrings(source: Source) -> Iterator[Text]:
    """Yield the docstrings of the module and of its classes and functions."""
    for node in source.definitions:
        text = _string(node.body[0]) if node.body else None
        if text is not None:
            yield text


def attribute_docstrings(source: Source) -> Iterator[Text]:
    """Yield the strings that stand below an assignment and describe it."""
    for node in source.definitions:
        for before, after in pairwise(node.body):
            if isinstance(before, ast.Assign | ast.AnnAssign):
                text = _string(after)
                if text is not None:
                    yield text


def comments(source: Source) -> Iterator[Text]:
    """Yield the comments; lines of comment that follow one another are one text."""
    first, last, words = 0, -1, ""
    for token in source.tokens:
        if token.type != tokenize.COMMENT:
            continue
        line, text = token.start[0], token.string.lstrip("#")
        if _DIRECTIVE.match(text):
            continue
        if line == last + 1:
            words += "\n" + text
        else:
            if words:
                yield first, words
            first, words = line, text
        last = line
    if words:
        yield first, words


def prose(source: Source) -> list[Text]:
    """Return all docstrings and comments in the order of the file."""
    return sorted([*docstrings(source), *attribute_docstrings(source), *comments(source)])


def openings(sources: Iterable[Source]) -> list[Place]:
    """Return the docstrings that begin with one of `OPENINGS`."""
    return [
        source.place(line, text.strip().split("\n\n")[0])
        for source in sources
        for line, text in sorted([*docstrings(source), *attribute_docstrings(source)])
        if first_word(text) in OPENINGS
    ]


def first_word(text: str) -> str:
    """Return the first word of a text in small letters, or an empty string."""
    found = _WORD.search(text)
    if found is None:
        return ""
    return found.group().lower()


def dialect(sources: Iterable[Source]) -> dict[str, list[Place]]:
    """Return the places of each expression of `DIALECT`."""
    found: dict[str, list[Place]] = {name: [] for name in DIALECT}
    for source in sources:
        for first, text in prose(source):
            for name, match in _matches(text):
                line = first + text.count("\n", 0, match.end())
                found[name].append(source.place(line, f"[{name}] {_around(text, match)}"))
    return found


def _matches(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    for name, pattern in _PATTERNS.items():
        for match in pattern.finditer(text):
            yield name, match


def _around(text: str, match: re.Match[str]) -> str:
    """Return the words around a match, at most a line of them."""
    begin = max(text.rfind(" ", 0, max(match.start() - 40, 0)), 0)
    return text[begin : match.end() + 40].rpartition(" ")[0] or match.group()


def _string(node: ast.stmt) -> Text | None:
    match node:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return node.lineno, text
    return None
