"""Parsed source files, and places in them."""

import ast
import io
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (ast.Module, ast.ClassDef, *FUNCTIONS)

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.Module | ast.ClassDef | Function

# The folder agents/ is installed under another name.
_INSTALLED = {"agents": "ocsd_agents"}


@dataclass(frozen=True, order=True)
class Place:
    """One line of one file, with a remark.

    Parameters
    ----------
    path : str
        Path of the file, relative to the repository.
    line : int
        Number of the line, from 1.
    text : str
        The remark, on one line.
    """

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True)
class Source:
    """One Python file, parsed when first needed.

    Parameters
    ----------
    path : str
        Path of the file, relative to the repository.
    text : str
        Content of the file.
    name : str
        Dotted name under which the file is imported.
    """

    path: str
    text: str
    name: str = ""

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of the file."""
        return ast.parse(self.text, self.path)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes of the syntax tree."""
        return list(ast.walk(self.tree))

    @cached_property
    def definitions(self) -> list[Definition]:
        """The module itself, and its classes and functions at any depth."""
        return [node for node in self.nodes if isinstance(node, DEFINITIONS)]

    @property
    def functions(self) -> list[Function]:
        """The functions and methods, at any depth."""
        return [node for node in self.definitions if isinstance(node, FUNCTIONS)]

    @property
    def classes(self) -> list[ast.ClassDef]:
        """The classes, at any depth."""
        return [node for node in self.definitions if isinstance(node, ast.ClassDef)]

    @cached_property
    def tokens(self) -> list[tokenize.TokenInfo]:
        """All tokens of the file."""
        return list(tokenize.generate_tokens(io.StringIO(self.text).readline))

    @property
    def lines(self) -> int:
        """Number of physical lines, as ``wc -l`` counts them."""
        return self.text.count("\n")

    @property
    def is_package(self) -> bool:
        """True if the file is the ``__init__.py`` of a package."""
        return PurePosixPath(self.path).name == "__init__.py"

    def place(self, line: int, text: str) -> Place:
        """Return a place in this file."""
        return Place(self.path, line, " ".join(text.split()))


def read(root: Path, paths: Iterable[str]) -> list[Source]:
    """Read Python files.

    Parameters
    ----------
    root : Path
        The repository.
    paths : iterable of str
        Files, and folders that are searched to any depth, relative to `root`.

    Returns
    -------
    list of Source
        In the order of `paths`, sorted within a folder.
    """
    return [
        Source(path.relative_to(root).as_posix(), path.read_text(), module_name(root, path))
        for path in _python_files(root, paths)
    ]


def _python_files(root: Path, paths: Iterable[str]) -> Iterator[Path]:
    for entry in paths:
        path = root / entry
        if path.is_dir():
            yield from sorted(path.rglob("*.py"))
        else:
            yield path


def module_name(root: Path, path: Path) -> str:
    """Return the dotted name of a file: its packages, up to the first plain folder."""
    parts = [] if path.name == "__init__.py" else [path.stem]
    folder = path.parent
    while folder != root and (folder / "__init__.py").exists():
        parts.append(_INSTALLED.get(folder.name, folder.name))
        folder = folder.parent
    return ".".join(reversed(parts))
