"""Finds the entry points of installed packages.

`importlib.metadata` does so as well, for any kind of installation. With the parser of e-mail and of
ZIP files that it imports, it is a tenth of what is loaded before the first agent can be started.
"""

import importlib
import os
from collections.abc import Iterator
from functools import reduce
from typing import Any, NamedTuple


class EntryPoint(NamedTuple):
    """An entry point of a package (entry points specification of the PyPA)."""

    distribution: str
    """The package that has it."""
    name: str
    value: str
    """The object that it names, as in ``package.module:object``."""
    folder: str
    """The folder of the search path in which the package is installed."""

    @property
    def module(self) -> str:
        """The module of the object."""
        return self.value.partition(":")[0].partition("[")[0].strip()

    def load(self) -> Any:
        """Import the module; return the object, or the module if only that is named.

        Raises
        ------
        Exception
            Any failure of the module; AttributeError if it has no such object.
        """
        attributes = self.value.partition(":")[2].partition("[")[0].strip()
        module = importlib.import_module(self.module)
        return reduce(getattr, attributes.split(".") if attributes else (), module)


def entry_points(folder: str, group: str) -> Iterator[EntryPoint]:
    """Yield the entry points of one group of the packages in a folder of the search path."""
    try:
        entries = sorted(os.listdir(folder or os.curdir))
    except OSError:
        return
    for entry in entries:
        if not entry.endswith((".dist-info", ".egg-info")):
            continue
        described = os.path.join(folder, entry)
        points = list(_points(_lines(os.path.join(described, "entry_points.txt")), group))
        # Without a name, it was left behind by an interrupted installation.
        if points and (distribution := _name(described)):
            for name, value in points:
                yield EntryPoint(distribution, name, value, folder)


def _points(lines: list[str], group: str) -> Iterator[tuple[str, str]]:
    section = ""
    for line in lines:
        if line.startswith("["):
            section = line.strip("[]")
        elif section == group and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield name.strip(), value.strip()


def _name(described: str) -> str:
    for file in ("METADATA", "PKG-INFO"):
        for line in _lines(os.path.join(described, file)):
            key, _, value = line.partition(":")
            if key.lower() == "name":
                return value.strip()
            if not line:
                break  # the description follows
    return ""


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return [line.strip() for line in file]
    except OSError:
        return []
