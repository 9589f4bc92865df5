"""Modules of the standard library that a short command does without.

click imports `inspect` to strip the margins of texts and `gettext` for translations, of which it
has none; uuid imports `platform` to ask whether this is AIX, pathlib `urllib.parse` for paths as
URIs, which imports `ipaddress`, and socket `selectors` to send files. With what they import
themselves, they are a fifth of the time of `ocsd status`.
"""

import importlib
import os
import sys
import urllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class LateModule(ModuleType):
    """Stands in the place of a module until something is asked of it that it has not got."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.loaded(), name)

    def loaded(self) -> ModuleType:
        """Return the module itself."""
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return importlib.import_module(self.__name__)


@contextmanager
def in_place_of(stand_ins: Mapping[str, ModuleType | None]) -> Iterator[None]:
    """Have these modules stand in the place of others meanwhile, unless those are loaded already.

    None forbids the import. Afterwards those others are as absent as if never imported.
    """
    mine = {name: module for name, module in stand_ins.items() if name not in sys.modules}
    sys.modules.update(mine)  # type: ignore[arg-type] # None is allowed
    try:
        yield
    finally:
        for name, module in mine.items():
            if sys.modules.get(name, module) is module:
                sys.modules.pop(name, None)


def load_late() -> None:
    """Have these modules loaded when they are used, unless they are loaded already."""
    stand_ins: dict[str, dict[str, Any]] = {
        "inspect": {"cleandoc": without_margin},
        "platform": {"system": lambda: os.uname().sysname},
        "gettext": {"gettext": _untranslated, "ngettext": _untranslated_number},
        "ipaddress": {},
        "selectors": {},
        "urllib.parse": {"quote_from_bytes": _quote_from_bytes},
    }
    for name in stand_ins.keys() - sys.modules.keys():
        module = sys.modules[name] = LateModule(name)
        vars(module).update(stand_ins[name])
    vars(urllib)["parse"] = sys.modules["urllib.parse"]


def _untranslated(message: str) -> str:
    return message


def _untranslated_number(singular: str, plural: str, n: int) -> str:
    if n == 1:
        return singular
    return plural


def _quote_from_bytes(*words: Any, **settings: Any) -> Any:
    # pathlib takes it from the module when it is imported.
    parse = sys.modules["urllib.parse"]
    if isinstance(parse, LateModule):
        parse = parse.loaded()
    return parse.quote_from_bytes(*words, **settings)


def without_margin(text: str) -> str:
    """Return a docstring as `inspect.cleandoc` does: without its margin and empty lines around it.

    The margin is that of all lines but the first.
    """
    first, *rest = text.expandtabs().split("\n")
    margins = [len(line) - len(line.lstrip()) for line in rest if line.strip()]
    margin = min(margins, default=0)
    lines = [first.lstrip(), *(line[margin:] for line in rest)]
    return "\n".join(lines).strip("\n")
