"""Which module imports which, and the cycles among them.

Imports inside functions and under ``TYPE_CHECKING`` count, as they do for
import-linter. Names given to ``importlib.import_module`` count, too, as far as
they can be read off the file: literals, module-level constants and tables.
"""

import ast
from collections.abc import Iterable, Iterator

from tests.architecture.measures.source import Place, Source

Graph = dict[str, dict[str, Place]]
"""For each module the modules that it imports, with the place of the first import."""


def graph(sources: Iterable[Source]) -> Graph:
    """Return the imports among `sources`, by dotted names."""
    by_name = {source.name: source for source in sources}
    found: Graph = {name: {} for name in by_name}
    for name, source in by_name.items():
        for line, candidates in _imports(source):
            target = next((known for known in candidates if known in by_name), name)
            if target != name:
                place = source.place(line, f"{name} imports {target}")
                found[name].setdefault(target, place)
    return found


def cycles(imports: Graph) -> list[list[str]]:
    """Return the groups of modules that import each other, directly or by way of others."""
    groups: list[list[str]] = []
    for start in sorted(imports):
        if any(start in group for group in groups):
            continue
        group = [name for name in _reachable(imports, start) if start in _reachable(imports, name)]
        if len(group) > 1:
            groups.append(sorted(group))
    return groups


def cycle_places(imports: Graph) -> list[Place]:
    """Return the imports that lie on a cycle."""
    return sorted(
        imports[name][target]
        for group in cycles(imports)
        for name in group
        for target in imports[name]
        if target in group
    )


def _reachable(imports: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(imports[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(imports[name])
    return seen


def _imports(source: Source) -> Iterator[tuple[int, list[str]]]:
    """Yield the line of each import and the names that it may mean, the likeliest first."""
    strings = _Strings(source)
    for node in source.nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, [alias.name]
        elif isinstance(node, ast.ImportFrom):
            base = _base(source, node)
            for alias in node.names:
                yield node.lineno, [f"{base}.{alias.name}", base]
        elif isinstance(node, ast.Call) and _is_import_module(node.func) and node.args:
            for name in strings.of(node.args[0]):
                yield node.lineno, [name]


def _base(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = source.name.split(".")
    up = node.level - 1 if source.is_package else node.level
    return ".".join([*parts[: len(parts) - up], *filter(None, [node.module])])


def _is_import_module(function: ast.expr) -> bool:
    return ast.unparse(function) in {"importlib.import_module", "import_module", "__import__"}


class _Strings:
    """The strings that an expression of a module can stand for.

    Parameters
    ----------
    source : Source
        The module.
    """

    def __init__(self, source: Source) -> None:
        self._values: dict[str, list[ast.expr]] = {"__name__": [ast.Constant(source.name)]}
        for node in source.nodes:
            if isinstance(node, ast.For | ast.comprehension):
                self._bind(node.target, _elements(node.iter))
        for node in source.tree.body:
            if isinstance(node, ast.Assign):
                self._bind(node.targets[0], [node.value])
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                self._bind(node.target, [node.value])

    def _bind(self, target: ast.expr, values: list[ast.expr]) -> None:
        if isinstance(target, ast.Name):
            self._values.setdefault(target.id, []).extend(values)

    def of(self, node: ast.expr) -> list[str]:
        """Return the strings that `node` can stand for, as far as they can be read."""
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.Name(id=name):
                # A name that is defined by itself must not be followed for ever.
                values = self._values.pop(name, [])
                found = [text for value in values for text in self.of(value)]
                self._values[name] = values
                return found
            case ast.Subscript(value=ast.Name(id=name)):
                tables = self._values.get(name, [])
                return [t for table in tables for entry in _elements(table) for t in self.of(entry)]
            case ast.JoinedStr(values=parts):
                return self._joined(parts)
        return []

    def _joined(self, parts: list[ast.expr]) -> list[str]:
        found = [""]
        for part in parts:
            value = part.value if isinstance(part, ast.FormattedValue) else part
            found = [before + text for before in found for text in self.of(value)]
        return found


def _elements(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.Dict):
        return node.values
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return node.elts
    return []
