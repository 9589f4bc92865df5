"""Whether what the fork server has loaded is still what lies on the disk."""

import os
from collections.abc import Iterable
from types import ModuleType


class LoadedCode:
    """The folders and ocsd's own files from which modules were loaded.

    An upgrade replaces files, which changes their folders; ocsd's own files may
    be edited in place, so they are looked at one by one. A look costs some two
    hundred calls of stat.

    Parameters
    ----------
    modules : iterable of ModuleType or None
        What is loaded, as in `sys.modules`.
    own : str
        Folder of ocsd's own files.
    """

    def __init__(self, modules: Iterable[ModuleType | None], own: str) -> None:
        self._changed_at: dict[str, int | None] = {}
        for module in modules:
            file = file_of(module)
            if file:
                self._note(os.path.dirname(file))
                if file.startswith(own + os.sep):
                    self._note(file)

    def changed(self) -> str | None:
        """Return a path that is not what it was when it was loaded; None if all are."""
        for path, before in self._changed_at.items():
            now = _changed_at(path)
            # Who may not look there could not load it anew either.
            if None not in (now, before) and now != before:
                return path
        return None

    def _note(self, path: str) -> None:
        if path not in self._changed_at:
            self._changed_at[path] = _changed_at(path)


def _changed_at(path: str) -> int | None:
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
