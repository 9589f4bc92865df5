"""Names that stand for several things."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from tests.architecture.measures.source import FUNCTIONS, Place, Source

Definitions = dict[str, list[Place]]

_CONSTANT = re.compile(r"_*[A-Z][A-Z0-9_]+")
_SCALAR = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)


def shared_classes(sources: Iterable[Source]) -> Definitions:
    """Return the classes whose name is used more than once, nested ones included."""
    found: Definitions = defaultdict(list)
    for source in sources:
        for node in source.classes:
            found[node.name].append(source.place(node.lineno, f"class {node.name}"))
    return _several(found)


def shared_functions(sources: Iterable[Source]) -> Definitions:
    """Return the module-level functions whose name is used more than once."""
    found: Definitions = defaultdict(list)
    for source in sources:
        for node in source.tree.body:
            if isinstance(node, FUNCTIONS):
                found[node.name].append(source.place(node.lineno, f"def {node.name}"))
    return _several(found)


def shared_files(sources: Iterable[Source]) -> Definitions:
    """Return the file names used more than once, other than ``__init__`` and ``__main__``."""
    found: Definitions = defaultdict(list)
    for source in sources:
        name = PurePosixPath(source.path).name
        if not name.startswith("__"):
            found[name].append(source.place(1, name))
    return _several(found)


def shared_constants(sources: Iterable[Source]) -> Definitions:
    """Return the module-level constants whose name is defined in several modules.

    A leading underscore makes no other name. Private constants count if they are
    numbers or strings; a private table, such as ``_COLUMNS``, is its module's own.
    """
    found: Definitions = defaultdict(list)
    for source in sources:
        for line, name, value in _constants(source):
            if _is_scalar(value) or not name.startswith("_"):
                place = source.place(line, f"{name} = {_as_text(value)}")
                found[name.lstrip("_")].append(place)
    return _several(found)


def conflicting_constants(sources: Iterable[Source]) -> Definitions:
    """Return those of `shared_constants` whose values differ."""
    return {
        name: places
        for name, places in shared_constants(sources).items()
        if len({place.text.partition(" = ")[2] for place in places}) > 1
    }


def _constants(source: Source) -> Iterator[tuple[int, str, ast.expr]]:
    for node in source.tree.body:
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name) and _CONSTANT.fullmatch(target.id) and node.value:
                yield node.lineno, target.id, node.value


def _is_scalar(node: ast.expr) -> bool:
    return all(isinstance(part, _SCALAR) for part in ast.walk(node))


def _as_text(node: ast.expr) -> str:
    """Return a value as text; arithmetic is carried out, so that 60 * 2 equals 120.0."""
    if not _is_scalar(node):
        return ast.unparse(node)
    value = eval(compile(ast.Expression(node), "constant", "eval"), {})
    if isinstance(value, int):
        return repr(float(value))
    return repr(value)


def _several(found: Definitions) -> Definitions:
    return {name: sorted(found[name]) for name in sorted(found) if len(found[name]) > 1}
