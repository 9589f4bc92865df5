"""Checks whether the code that the fork server has loaded is still the code on the disk."""

import os
from array import array
from collections.abc import Iterable
from types import ModuleType


class LoadedCode:
    """The folders and ocsd's own files from which modules were loaded.

    An upgrade replaces files, which changes their folders; ocsd's own files may
    be edited in place, so they are checked one by one. A check costs some two
    hundred calls of stat.

    Every agent checks, and to use an object is to write to it (its reference count):
    300 strings that lie apart would cost it 0.4 MB. So paths and times are kept
    in one piece each.

    Parameters
    ----------
    modules : iterable of ModuleType or None
        The loaded modules, as in `sys.modules`.
    own : str
        Folder of ocsd's own files.
    """

    def __init__(self, modules: Iterable[ModuleType | None], own: str) -> None:
        paths: dict[str, None] = {}
        for module in modules:
            file = file_of(module)
            if file:
                paths[os.path.dirname(file)] = None
                if file.startswith(own + os.sep):
                    paths[file] = None
        times = {os.fsencode(path): _changed_at(path) for path in paths}
        # A folder that is closed to this user cannot be loaded again either.
        readable = {path: at_ns for path, at_ns in times.items() if at_ns is not None}
        self._paths = b"\0".join(readable)
        self._changed_at = array("q", readable.values())

    def changed(self) -> str | None:
        """Return a path that has changed since it was loaded; None if there is none."""
        if not self._paths:
            return None
        for path, before in zip(self._paths.split(b"\0"), self._changed_at, strict=True):
            now = _changed_at(path)
            if now is not None and now != before:
                return os.fsdecode(path)
        return None


def _changed_at(path: str | bytes) -> int | None:
    try:
        return os.stat(path).st_mtime_ns
    except PermissionError:
        return None
    except OSError:
        return 0  # gone, or never was a file: a module in an archive


def file_of(module: ModuleType | None) -> str | None:
    """Return the file of a module, without running any of its code."""
    if not issubclass(type(module), ModuleType):
        return None  # nothing, or a stand-in for a module (Twisted has one)
    # Not module.__file__, which would load a module whose loading was put off.
    file = ModuleType.__getattribute__(module, "__dict__").get("__file__")
    if isinstance(file, str):
        return file
    return None
