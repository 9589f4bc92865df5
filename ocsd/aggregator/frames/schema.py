"""The constants of the so3g HK schema, for writers and readers (docs/reference/wire.md, "Files").

Nothing large is imported here before it is needed: the command line uses these constants
as well.
"""

from functools import cache
from typing import Any, Final

HKAGG_VERSION: Final = 2

# Values of a frame's `hkagg_type`.
SESSION: Final = 0
"""Opens every file."""
STATUS: Final = 1
"""Lists the providers whose data may follow."""
DATA: Final = 2
"""Samples of one provider."""

FOR_DATABASES: Final = "for_databases"
"""Key of an entry of a status frame: JSON, what writers to databases need of the provider."""

TICKS_PER_SECOND: Final = 100_000_000
"""The unit of a G3Time is one tick."""


@cache
def spt3g_core() -> Any:
    """Return the module ``spt3g.core``, imported at the first call.

    Returns
    -------
    module
    """
    # The wheel of so3g carries spt3g inside, so it has to come first.
    import so3g  # noqa: F401
    from spt3g import core

    return core
