"""Files and modules that are named in prose: whether they exist."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.architecture.measures.prose import Text, prose
from tests.architecture.measures.source import FUNCTIONS, Place, Source

_PATH = re.compile(r"(?<![\w./~<{$-])(?:docs|ocsd|agents|tests|benchmarks)/[\w./-]*")
_DOTTED = re.compile(r"(?<![\w./@])(?:ocsd|ocsd_agents)(?:\.[A-Za-z_]\w*)+(?![\w/])")
_PAGE = re.compile(r"(?<![\w./<{*-])[A-Za-z][\w-]*\.md\b")
_PLACEHOLDER = re.compile(r"[A-Z]+|[a-z]")
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


class Files:
    """The files that prose may name.

    Parameters
    ----------
    root : Path
        The repository.
    pages : iterable of Path
        Its pages, which may be named without their folder.
    """

    def __init__(self, root: Path, pages: Iterable[Path]) -> None:
        self._root = root
        self._pages = {page.name for page in pages}

    def path(self, file: Path) -> str:
        """Return the path of a file relative to the repository."""
        return file.relative_to(self._root).as_posix()

    def has(self, name: str, where: str) -> bool:
        """Return True if a file exists from the repository or from the folder of `where`."""
        return (self._root / name).exists() or (self._root / where).parent.joinpath(name).exists()

    def has_page(self, name: str) -> bool:
        """Return True if there is a page of this name in any folder."""
        return name in self._pages


def dead_in_code(sources: Iterable[Source], files: Files, modules: Modules) -> list[Place]:
    """Return the dead references in docstrings and comments.

    Parameters
    ----------
    sources : iterable of Source
        The Python files to search.
    files : Files
        The files that may be named.
    modules : Modules
        The modules that may be named.

    Returns
    -------
    list of Place
        One for each dead name.
    """
    found = []
    for source in sources:
        # To parse a file takes long, and few have a dead name on any line.
        if _dead(source.path, [(1, source.text)], files, modules):
            found += _dead(source.path, prose(source), files, modules)
    return found


def dead_in_pages(pages: Iterable[Path], files: Files, modules: Modules) -> list[Place]:
    """Return the dead references in text files.

    Parameters
    ----------
    pages : iterable of Path
        The text files to search.
    files : Files
        The files that may be named.
    modules : Modules
        The modules that may be named.

    Returns
    -------
    list of Place
        One for each dead name.
    """
    return [
        place
        for page in pages
        for place in _dead(files.path(page), [(1, page.read_text())], files, modules)
    ]


def _dead(path: str, texts: Iterable[Text], files: Files, modules: Modules) -> list[Place]:
    return [
        Place(path, number, f"there is no {name}")
        for first, text in texts
        for number, line in enumerate(text.split("\n"), first)
        for name in [*_dead_files(line, path, files), *_dead_modules(line, modules)]
    ]


def _dead_files(text: str, where: str, files: Files) -> Iterator[str]:
    for match in _PATH.finditer(text):
        name = match.group().rstrip(".-")
        # Others, such as ocsd/HOST, are folders of an installation or topics of the bus.
        is_checked = name.startswith("docs/") or name.endswith(_SUFFIXES)
        is_pattern = text[match.end() : match.end() + 1] in {"*", "{", "<"}
        if not is_checked or is_pattern or _is_placeholder(name.split("/")[-1].split(".")[0]):
            continue
        if not files.has(name, where):
            yield name
    for match in _PAGE.finditer(text):
        if not _is_placeholder(match.group()[:-3]) and not files.has_page(match.group()):
            yield match.group()


def _dead_modules(text: str, modules: Modules) -> Iterator[str]:
    for match in _DOTTED.finditer(text):
        name = match.group()
        last = name.rpartition(".")[2]
        if last not in _FILE_ENDINGS and not _is_placeholder(last) and not modules.has(name):
            yield name


def _is_placeholder(name: str) -> bool:
    return bool(_PLACEHOLDER.fullmatch(name))


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
        return {
            part.id
            for part in ast.walk(node)
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
        }
    return set()
