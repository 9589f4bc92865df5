"""Lets autobahn be imported without what is not used here."""

import importlib
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ocsd.system.late import in_place_of

# Serialisers that autobahn imports where it finds them and that are not used here:
# crossbar's dependency bjdata prints a traceback about numpy's ABI, and flatbuffers
# loads numpy, which takes a tenth of a second. And click, for colours in its debug messages.
_UNWANTED = ("bjdata", "autobahn.flatbuffers", "click")


@contextmanager
def lean_import() -> Iterator[None]:
    """Keep modules away meanwhile; afterwards they are as absent as if never imported."""
    stand_ins: dict[str, Any] = dict.fromkeys(_UNWANTED)  # None forbids the import
    if importlib.util.find_spec("_cffi_backend"):
        stand_ins["cffi"] = _cffi()
    with in_place_of(stand_ins):
        yield


class _CompiledFFI:
    """In place of cffi's parser of C, which takes 30 ms and has nothing to parse.

    autobahn describes what its masks and its check of UTF-8 are compiled from at each import,
    but uses what was compiled when it was installed.
    """

    def cdef(self, _source: str) -> None:
        """Take the declarations."""

    def set_source(self, *_source: Any, **_options: Any) -> None:
        """Take the source."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module("_nvx_utf8validator").ffi, name)


def _cffi() -> ModuleType:
    module: Any = ModuleType("cffi")
    module.FFI = _CompiledFFI
    # Both are of one version.
    module.__version__ = importlib.import_module("_cffi_backend").__version__
    return module  # type: ignore[no-any-return] # it is one
