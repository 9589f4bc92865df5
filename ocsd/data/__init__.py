"""Data folders read back: what `ocsd data` does, and what Python users call.

`Archive` is a data folder that is kept open, `window` the same for a single question, and
`Archives` are several folders that are read as one; all answer
with a `Window` of a `FieldWindow` for each field. `units` returns the `Meaning` of each field:
its units and its label. `Builder` makes the trends that are missing
(docs/data/reading.md, "In Python").

Everything here knows the files only as docs/reference/wire.md describes them, so it reads those of
OCS as well, and needs no running aggregator. Of `ocsd.aggregator` it imports the format of
the files only (`frames.schema`, `numbers.hole`). `index`, `spans`, `names`, `gaps` and
`folder` import neither numpy nor so3g: with the index of a folder made, `ocsd data ls`
answers at once. Begin with `folder`; in `archive` with `archive`, in `trend` with `bins`.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ocsd.data.archive.answer import FieldWindow, Window
    from ocsd.data.archive.archive import Archive, window
    from ocsd.data.archive.builder import Builder, Progress
    from ocsd.data.archive.several import Archives
    from ocsd.data.meaning import Meaning, units

__all__ = [
    "Archive",
    "Archives",
    "Builder",
    "FieldWindow",
    "Meaning",
    "Progress",
    "Window",
    "units",
    "window",
]

_PLACES = {
    "Archive": "archive.archive",
    "Archives": "archive.several",
    "Builder": "archive.builder",
    "FieldWindow": "archive.answer",
    "Meaning": "meaning",
    "Progress": "archive.builder",
    "Window": "archive.answer",
    "units": "meaning",
    "window": "archive.archive",
}


def __getattr__(name: str) -> Any:
    """Import a name of the API when it is asked for, because it loads numpy."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"ocsd.data.{_PLACES[name]}"), name)
