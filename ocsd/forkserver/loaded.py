"""Whether what the fork server has loaded is still what lies on the disk."""

import os
from array import array
from collections.abc import Iterable
from types import ModuleType


class LoadedCode:
    """The folders and ocsd's own files from which modules were loaded.

    An upgrade replaces files, which changes their folders; ocsd's own files may
    be edited in place, so they are looked at one by one. A look costs some two
    hundred calls of stat.

    Every agent looks, and to look at an object is to write to it (its reference count):
    300 strings that lie apart would cost it 0.4 MB. So paths and times are kept
    in one piece each.

    Parameters
    ----------
    modules : iterable of ModuleType or None
        What is loaded, as in `sys.modules`.
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
        found = {os.fsencode(path): _changed_at(path) for path in paths}
        # Who may not look there could not load it anew either.
        seen = {path: at_ns for path, at_ns in found.items() if at_ns is not None}
        self._paths = b"\0".join(seen)
        self._changed_at = array("q", seen.values())

    def changed(self) -> str | None:
        """Return a path that is not what it was when it was loaded; None if all are."""
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
    """Return the file of a module, without any of its code being run."""
    if not issubclass(type(module), ModuleType):
        return None  # nothing, or a stand-in for a module (Twisted has one)
    # Not module.__file__, which would load a module whose loading was put off.
    file = ModuleType.__getattribute__(module, "__dict__").get("__file__")
    return file if isinstance(file, str) else None
