"""The public names of a package, read from its source without running it."""

import ast
from collections.abc import Iterator
from pathlib import Path


def modules_of(package: Path) -> Iterator[tuple[str, Path]]:
    """Yield name and file of each module of a package; those of its tests are left out."""
    for file in sorted(package.rglob("*.py")):
        parts = [package.name, *file.relative_to(package).with_suffix("").parts]
        if parts[-1] == "__init__":
            parts.pop()
        yield ".".join(parts), file


def names_of(file: Path) -> Iterator[str]:
    """Yield what a module defines at its top, and the methods of its classes."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        match node:
            case ast.ClassDef(name=name):
                yield name
                yield from (f"{name}.{member}" for member in _members(node))
            case ast.FunctionDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (each.id for each in targets if isinstance(each, ast.Name))


def public(names: Iterator[str]) -> list[str]:
    """Return the names of which no part begins with an underscore."""
    return [name for name in names if not any(part[0] == "_" for part in name.split("."))]


def _members(node: ast.ClassDef) -> Iterator[str]:
    for inner in node.body:
        match inner:
            case ast.FunctionDef(name=name):
                yield name
            case ast.Assign(targets=targets):
                yield from (each.id for each in targets if isinstance(each, ast.Name))
