"""Lengths, densities and annotations."""

import ast
import re
import tokenize
from collections.abc import Iterable, Iterator

from tests.architecture.measures.source import FUNCTIONS, Definition, Function, Place, Source

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

_TODO = re.compile(r"\b(?:TODO|FIXME|XXX)\b")
_TYPE_IGNORE = re.compile(r"#\s*type:\s*ignore\b")


def conditionals(sources: Iterable[Source]) -> list[Place]:
    """Return the conditional expressions, ``a if c else b``."""
    return [
        source.place(node.lineno, ast.unparse(node))
        for source in sources
        for node in source.nodes
        if isinstance(node, ast.IfExp)
    ]


def comprehensions(sources: Iterable[Source]) -> list[Place]:
    """Return the comprehensions and generator expressions."""
    return _comprehensions(sources, 1)


def nested_comprehensions(sources: Iterable[Source]) -> list[Place]:
    """Return the comprehensions with more than one ``for``."""
    return _comprehensions(sources, 2)


def _comprehensions(sources: Iterable[Source], least: int) -> list[Place]:
    return [
        source.place(node.lineno, ast.unparse(node))
        for source in sources
        for node in source.nodes
        if isinstance(node, COMPREHENSIONS) and len(node.generators) >= least
    ]


def code_lines(source: Source) -> int:
    """Return the number of lines that hold code: no blank line, comment or docstring.

    Lines are judged by how they begin, which is far quicker than by their tokens;
    blank lines and ``#`` within the text of a string count as no code.
    """
    lines = enumerate(source.text.split("\n"), 1)
    code = {number for number, line in lines if line.strip() and line.lstrip()[0] != "#"}
    return len(code - _described(source))


def written_lines(source: Source) -> int:
    """Return the number of lines that are neither blank nor only a comment."""
    written = sum(bool(line.strip()) for line in source.text.split("\n"))
    return written - comment_lines(source)


def comment_lines(source: Source) -> int:
    """Return the number of lines that hold nothing but a comment."""
    return sum(
        token.type == tokenize.COMMENT and token.line.lstrip().startswith("#")
        for token in source.tokens
    )


def _described(source: Source) -> set[int]:
    """Return the lines of all strings that stand alone, as docstrings do."""
    found: set[int] = set()
    for node in source.nodes:
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                found.update(_span(node))
    return found


def function_lengths(sources: Iterable[Source]) -> dict[Place, int]:
    """Return the number of lines of each function, its docstring included."""
    return {
        source.place(node.lineno, f"{node.name} has {_length(node)} lines"): _length(node)
        for source in sources
        for node in source.functions
    }


def class_lengths(sources: Iterable[Source]) -> dict[Place, int]:
    """Return the number of lines of each class, its docstring included."""
    return {
        source.place(node.lineno, f"{node.name} has {_length(node)} lines"): _length(node)
        for source in sources
        for node in source.classes
    }


def _length(node: ast.stmt) -> int:
    return len(_span(node))


def broad_excepts(sources: Iterable[Source]) -> list[Place]:
    """Return the handlers of all exceptions: bare, Exception or BaseException."""
    return [
        source.place(node.lineno, f"except {ast.unparse(node.type or ast.Constant(...))}")
        for source in sources
        for node in source.nodes
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type)
    ]


def _is_broad(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    names = {part.id for part in ast.walk(kind) if isinstance(part, ast.Name)}
    return bool(names & {"Exception", "BaseException"})


def type_ignores(sources: Iterable[Source]) -> list[Place]:
    """Return the comments that silence the type checker."""
    return _comments(sources, _TYPE_IGNORE)


def todos(sources: Iterable[Source]) -> list[Place]:
    """Return the comments that announce work: TODO, FIXME or XXX."""
    return _comments(sources, _TODO)


def _comments(sources: Iterable[Source], pattern: re.Pattern[str]) -> list[Place]:
    return [
        source.place(token.start[0], token.string)
        for source in sources
        for token in source.tokens
        if token.type == tokenize.COMMENT and pattern.search(token.string)
    ]


def uses_of_any(sources: Iterable[Source]) -> int:
    """Return how often ``Any`` is used."""
    return sum(
        isinstance(node, ast.Name) and node.id == "Any"
        for source in sources
        for node in source.nodes
    )


def annotated(sources: Iterable[Source]) -> float:
    """Return the share of functions whose parameters and result all have types [%]."""
    checked = [_is_annotated(node) for source in sources for node in source.functions]
    return _percent(sum(checked), len(checked))


def _is_annotated(node: Function) -> bool:
    arguments = node.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every = [*named, *filter(None, [arguments.vararg, arguments.kwarg])]
    typed = all(each.annotation or each.arg in {"self", "cls"} for each in every)
    return typed and node.returns is not None


def documented(sources: Iterable[Source]) -> float:
    """Return the share of public modules, classes and functions with a docstring [%]."""
    checked = [
        ast.get_docstring(node) is not None for source in sources for node in _public(source.tree)
    ]
    return _percent(sum(checked), len(checked))


def _public(node: Definition) -> Iterator[Definition]:
    """Yield a module or class and what it defines under public names."""
    yield node
    for child in node.body:
        if isinstance(child, FUNCTIONS) and not child.name.startswith("_"):
            yield child
        elif isinstance(child, ast.ClassDef) and not child.name.startswith("_"):
            yield from _public(child)


def _percent(part: int, whole: int) -> float:
    return 100 * part / max(whole, 1)


def _span(node: ast.stmt) -> range:
    """Return the numbers of the lines of a statement."""
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)
