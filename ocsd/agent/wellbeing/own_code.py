"""Notices that an agent's code on the disk is no longer the code that it runs."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import takewhile
from typing import Final

from ocsd.agent.wellbeing import this_process
from ocsd.system.modules import file_of, written_at_ns


class OwnCode:
    """The files of an agent's modules, and when each was written before it was loaded.

    These are the modules that are loaded after `begin`, in the folder of the agent's code and
    below it. All others are libraries, which agents share in memory: even to look at them would
    cost each agent private copies of their pages.

    Parameters
    ----------
    code_file : callable
        Returns the file that holds the agent's code; empty while that is not known.
    """

    def __init__(self, code_file: Callable[[], str]) -> None:
        self._code_file = code_file
        self._last_library = ""
        self._loaded = 0
        self._written_at_ns: dict[str, int | None] = {}
        self.changed = ""
        """A file that was written or removed since it was loaded; empty if there is none."""

    def begin(self) -> None:
        """Take every module that is loaded now for a library."""
        self._last_library = next(reversed(sys.modules))

    def check(self) -> None:
        """Compare the files of the agent's modules with the disk."""
        code_file = self._code_file()
        if code_file and self._loaded != len(sys.modules):
            self._loaded = len(sys.modules)
            # Another thread may be importing; the next check sees its modules.
            with suppress(RuntimeError):
                self._add_modules(os.path.join(os.path.dirname(code_file), ""))
        changed = (
            file for file, before in self._written_at_ns.items() if written_at_ns(file) != before
        )
        self.changed = next(changed, "")

    def _add_modules(self, own_folder: str) -> None:
        for name in list(takewhile(self._is_new, reversed(sys.modules))):
            file = file_of(sys.modules.get(name))
            if file and file.startswith(own_folder):
                self._written_at_ns.setdefault(file, written_at_ns(file))

    def _is_new(self, module: str) -> bool:
        return module != self._last_library


OWN_CODE: Final = OwnCode(this_process.code_file)
"""The code of this process's agent."""
