"""Reports the agent's own files to the command that restarts it whenever one is saved."""

import os
import select
import signal
import site
import sys
import sysconfig
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ocsd.system.modules import file_of

FILES_VARIABLE = "OCSD_FILES_PIPE"
"""Environment variable with the descriptor to which an agent writes its files, a line each."""

OWN_FILES_POLL_MS = 300
UNWATCHED_END_LIMIT_S = 15.0
"""After this long, an agent whose command is gone is ended by force [s]."""
_OURS = str(Path(__file__).parents[1])


class OwnFiles:
    """Reports the files of an agent's modules as they are loaded.

    Parameters
    ----------
    descriptor : int
        The pipe to write to. When its other end is closed, the agent is ended.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._reported: set[str] = set()
        self._foreign = tuple(f"{folder}{os.sep}" for folder in _foreign_folders())

    def start(self, *files: str) -> None:
        """Report these files, and from then on those of modules as they are loaded."""
        self._report(files)
        threading.Thread(target=self._go_on, name="own-files", daemon=True).start()

    def stop(self) -> None:
        """Report the last modules; nothing if the agent's code was never found."""
        if self._reported:
            self._report()

    def _report(self, files: Iterable[str] = ()) -> None:
        loaded = map(file_of, list(sys.modules.values()))
        own = {file for file in loaded if file is not None and self._is_own(file)}
        new = {os.path.abspath(file) for file in (*own, *files)} - self._reported
        self._reported |= new
        if new:
            os.write(self._descriptor, os.fsencode("".join(f"{file}\n" for file in sorted(new))))

    def _is_own(self, file: str) -> bool:
        return file.endswith(".py") and not file.startswith(self._foreign)

    def _go_on(self) -> None:
        listener = select.poll()
        listener.register(self._descriptor, 0)  # an error is always reported
        try:
            with suppress(BrokenPipeError):
                while not listener.poll(OWN_FILES_POLL_MS):
                    self._report()
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(UNWATCHED_END_LIMIT_S)
            os.kill(os.getpid(), signal.SIGKILL)


def beside(script: str) -> list[str]:
    """Return the Python files in the folder of a script.

    A file that cannot be imported is not among the loaded modules.
    """
    return [str(file) for file in Path(script).parent.glob("*.py")]


def _foreign_folders() -> set[str]:
    """Return the folders of code that an agent's author does not edit."""
    paths = sysconfig.get_paths()
    libraries = {paths[kind] for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
    return {_OURS, *libraries, *site.getsitepackages(), site.getusersitepackages()}
