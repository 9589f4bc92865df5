"""Files of the modules that Python has loaded, and when they were last written."""

import os
from types import ModuleType


def file_of(module: ModuleType | None) -> str | None:
    """Return the file of a module, without running any of its code."""
    if not issubclass(type(module), ModuleType):
        return None  # nothing, or a stand-in for a module (Twisted has one)
    # Not module.__file__, which would load a module whose loading was put off.
    file = ModuleType.__getattribute__(module, "__dict__").get("__file__")
    if isinstance(file, str):
        return file
    return None


def written_at_ns(path: str | bytes) -> int | None:
    """Return when a file or folder was last written [ns, Unix time].

    0 if there is none, None if this user may not see it.
    """
    try:
        return os.stat(path).st_mtime_ns
    except PermissionError:
        return None
    except OSError:
        return 0  # gone, or never was a file: a module in an archive
