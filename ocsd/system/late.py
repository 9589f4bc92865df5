"""Modules of the standard library that a short command does without.

click imports `inspect` to strip the margins of texts, uuid imports `platform` to ask whether this
is AIX, and pathlib imports `ipaddress`, by way of urllib. With what they import themselves, they
are a sixth of the time of `ocsd status`.
"""

import importlib
import os
import sys
from types import ModuleType
from typing import Any


class LateModule(ModuleType):
    """Stands in the place of a module until something is asked of it that it has not got."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def load_late() -> None:
    """Have these modules loaded when they are used, unless they are loaded already."""
    for name in ("inspect", "ipaddress", "platform"):
        sys.modules.setdefault(name, LateModule(name))
    vars(sys.modules["inspect"]).setdefault("cleandoc", without_margin)
    vars(sys.modules["platform"]).setdefault("system", lambda: os.uname().sysname)


def without_margin(text: str) -> str:
    """Return a docstring as `inspect.cleandoc` does: without its margin and empty lines around it.

    The margin is that of all lines but the first.
    """
    first, *rest = text.expandtabs().split("\n")
    margins = [len(line) - len(line.lstrip()) for line in rest if line.strip()]
    margin = min(margins, default=0)
    lines = [first.lstrip(), *(line[margin:] for line in rest)]
    return "\n".join(lines).strip("\n")
