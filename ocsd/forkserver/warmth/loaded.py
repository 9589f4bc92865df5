"""Checks whether the code that the fork server has loaded is still the code on the disk."""

import os
import site
import sysconfig
from array import array
from collections.abc import Iterable
from types import ModuleType

from ocsd.system.modules import file_of, written_at_ns

_PYTHON = (sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib"))


class LoadedCode:
    """The folders, and some of the files, from which modules were loaded.

    An upgrade replaces files, which changes their folders. Files that may be edited in place
    are checked one by one: ocsd's own, and those outside the folders of installed packages,
    e.g. of an editable install. A check costs some two hundred calls of stat.

    Every agent checks, and to use an object is to write to it (its reference count):
    300 strings that lie apart would cost it 0.4 MB. So paths and times are kept
    in one piece each.

    Parameters
    ----------
    modules : iterable of ModuleType or None
        The loaded modules, as in `sys.modules`.
    own : str
        Folder of ocsd's own files.
    installed : iterable of str
        Folders of installed packages. They are checked even if nothing was loaded from them,
        because a file .pth in one of them may have added to the search path.
    """

    def __init__(
        self, modules: Iterable[ModuleType | None], own: str, installed: Iterable[str] = ()
    ) -> None:
        paths: dict[str, None] = dict.fromkeys(installed)
        fixed = tuple(os.path.join(folder, "") for folder in (*paths, *_PYTHON))
        # Beside them lie ocsd's own agents, of which the list is loaded.
        owns = tuple(os.path.join(folder, "") for folder in (own, f"{own}_agents"))
        for module in modules:
            file = file_of(module)
            if file:
                paths[os.path.dirname(file)] = None
                if file.startswith(owns) or not file.startswith(fixed):
                    paths[file] = None
        times = {os.fsencode(path): written_at_ns(path) for path in paths}
        # A folder that is closed to this user cannot be loaded again either.
        readable = {path: at_ns for path, at_ns in times.items() if at_ns is not None}
        self._paths = b"\0".join(readable)
        self._changed_at = array("q", readable.values())

    def changed(self) -> str | None:
        """Return a path that has changed since it was loaded; None if there is none."""
        if not self._paths:
            return None
        for path, before in zip(self._paths.split(b"\0"), self._changed_at, strict=True):
            now = written_at_ns(path)
            if now is not None and now != before:
                return os.fsdecode(path)
        return None


def package_folders() -> list[str]:
    """Return the folders of installed packages on the search path of a new interpreter."""
    folders = site.getsitepackages()
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    return folders
