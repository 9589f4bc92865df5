"""Files and modules that are named in prose: whether they exist."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.architecture.measures.prose import prose
from tests.architecture.measures.source import FUNCTIONS, Place, Source

_PATH = re.compile(r"(?<![\w./~<{$-])(?:docs|ocsd|agents|tests|benchmarks)/[\w./-]*")
_DOTTED = re.compile(r"(?<![\w./@-])(?:ocsd|ocsd_agents)(?:\.[A-Za-z_]\w*)+(?![\w/])")
_FOLDERS_OF_CODE = ("ocsd/", "agents/", "tests/", "benchmarks/")
_SUFFIXES = (".py", ".md", ".yaml", ".typed")
_FILE_ENDINGS = frozenset(
    {"service", "socket", "timer", "target", "log", "sock", "lock", "pid", "json", "yaml", "conf"}
)
"""Last parts of names such as ``ocsd.service``, which are files of an installation."""


class Modules:
    """The modules of a tree, and the names that are defined in each.

    Parameters
    ----------
    sources : iterable of Source
        The modules.
    """

    def __init__(self, sources: Iterable[Source]) -> None:
        self._sources = {source.name: source for source in sources if source.name}
        self._known: dict[str, bool] = {}

    def has(self, dotted: str) -> bool:
        """Return True if a dotted name is a module, or stands for something within one."""
        if dotted not in self._known:
            self._known[dotted] = self._find(dotted)
        return self._known[dotted]

    def _find(self, dotted: str) -> bool:
        parts = dotted.split(".")
        for split in range(len(parts), 0, -1):
            source = self._sources.get(".".join(parts[:split]))
            if source is not None:
                return _defines(source.tree.body, parts[split:])
        return False


def dead_references(texts: Iterable[Place], root: Path, modules: Modules) -> list[Place]:
    """Return the texts that name a file or module that does not exist.

    Parameters
    ----------
    texts : iterable of Place
        Lines of prose.
    root : Path
        The repository, in which files are looked for.
    modules : Modules
        The modules that may be named.

    Returns
    -------
    list of Place
        One for each dead name.
    """
    return [
        Place(text.path, text.line, f"there is no {name}")
        for text in texts
        for name in [*_dead_paths(text.text, root), *_dead_modules(text.text, modules)]
    ]


def prose_lines(sources: Iterable[Source]) -> Iterator[Place]:
    """Yield the lines of docstrings and comments."""
    for source in sources:
        for first, text in prose(source):
            for line, words in enumerate(text.split("\n"), first):
                yield Place(source.path, line, words)


def page_lines(root: Path, pages: Iterable[Path]) -> Iterator[Place]:
    """Yield the lines of text files."""
    for page in pages:
        for line, words in enumerate(page.read_text().split("\n"), 1):
            yield Place(page.relative_to(root).as_posix(), line, words)


def _dead_paths(text: str, root: Path) -> Iterator[str]:
    for match in _PATH.finditer(text):
        name = match.group().rstrip(".-")
        # ocsd/HOST/ and agents/NAME.py are patterns, and ocsd/x a topic of the bus.
        is_checked = name.startswith("docs/") or name.endswith(_SUFFIXES)
        is_pattern = text[match.end() : match.end() + 1] in {"*", "{", "<"} or name.isupper()
        if is_checked and not is_pattern and not (root / name).exists():
            yield name


def _dead_modules(text: str, modules: Modules) -> Iterator[str]:
    for match in _DOTTED.finditer(text):
        name = match.group()
        if name.rpartition(".")[2] not in _FILE_ENDINGS and not modules.has(name):
            yield name


def _defines(body: list[ast.stmt], parts: list[str]) -> bool:
    """Return True if a chain of names is defined in a module's or class's body."""
    if not parts:
        return True
    for node in _statements(body):
        if isinstance(node, ast.ClassDef) and node.name == parts[0]:
            return _has_member(node, parts[1:])
        if parts[0] in _names_of(node):
            # More cannot be said of what is imported or computed.
            return True
    return False


def _has_member(node: ast.ClassDef, parts: list[str]) -> bool:
    if not parts or _defines(node.body, parts):
        return True
    attributes = {
        part.attr
        for part in ast.walk(node)
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store)
    }
    # An attribute may come from a base class, which may stand in another module.
    return parts[0] in attributes or bool(node.bases)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements and those below an ``if``, ``try`` or ``with``."""
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.Try | ast.With):
            yield from _statements(node.body)
            yield from _statements([*getattr(node, "orelse", []), *getattr(node, "finalbody", [])])
            for handler in getattr(node, "handlers", []):
                yield from _statements(handler.body)


def _names_of(node: ast.stmt) -> set[str]:
    """Return the names that a statement defines."""
    if isinstance(node, (ast.ClassDef, *FUNCTIONS)):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return {part.id for part in ast.walk(node) if _is_stored(part)}
    return set()


def _is_stored(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
