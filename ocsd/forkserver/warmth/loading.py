"""Loads the libraries of what is forked, in steps between which the fork server serves."""

import gc
import importlib
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from typing import Final

import ocsd
from ocsd.forkserver.warmth.loaded import LoadedCode, package_folders
from ocsd.forkserver.warmth.put_off import put_off

# Libraries of nearly every agent; none of these starts a thread, installs a
# reactor or opens a descriptor (tests/system/supervision/test_forkserver.py).

FOR_ALL: Final = (
    "ocsd.forkserver.child",
    "ocsd.forkserver.programs",
    "ocsd.ocs_agent",
    "ocsd.ocs_twisted",
    "twisted.internet.epollreactor",
    "twisted.internet.endpoints",
)
"""Modules that the router needs as well."""

FOR_AGENTS: Final = (
    "argparse",
    "encodings.idna",
    "numpy",
    "numpy.random",
    "numpy.typing",
    "ocsd.site_config",
    "ocsd_agents.plugin",  # our own list of plug-ins; those of authors are read in each agent
)

THREAD_COUNTS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


FEW: Final = 12
"""A rehearsal costs as much CPU as it saves at the start of so many agents."""

MOMENT_S: Final = 0.1
"""The fork server is not asked for anything for so long before it begins a rehearsal [s]."""

LONG_QUIET_S: Final = 60.0
"""The same on a host with few agents: it pays for those that are started again [s]."""


class Loading:
    """The libraries of what is forked, as far as they are loaded.

    Attributes
    ----------
    code : LoadedCode or None
        The code that agents need; None as long as part of it is missing.
    trouble : str
        The traceback of a failure to warm up; normally empty.
    """

    def __init__(self) -> None:
        self.code: LoadedCode | None = None
        self.trouble = ""
        self._for_all = list(FOR_ALL)
        self._for_agents = list(FOR_AGENTS)
        self._pause_s = MOMENT_S
        self._is_rehearsed = False
        self._is_checked = False
        self._changed: str | None = None

    def expect(self, agents: int) -> None:
        """Take into account how many agents are to be started."""
        if agents < FEW:
            self._pause_s = LONG_QUIET_S

    @property
    def pause_s(self) -> float:
        """The time without any request after which `step` is due [s]; endless if all is done."""
        if self.code is None:
            return 0.0
        if self._is_rehearsed:
            return inf
        return self._pause_s

    def lacks(self, agents: int) -> bool:
        """Whether something is missing that is to be done before so many agents are started."""
        return self.code is None or (agents >= FEW and not self._is_rehearsed)

    def check_again(self) -> None:
        """Forget what `changed` has returned: more is asked for."""
        self._is_checked = False

    def changed(self) -> str | None:
        """Return a path that has changed since it was loaded; None if there is none.

        The files are checked once for all that is asked for at the same time.
        """
        if self.code is not None and not self._is_checked:
            self._is_checked, self._changed = True, self.code.changed()
        return self._changed

    def step(self) -> None:
        """Load one more library, or rehearse; nothing if all is done."""
        for names in (self._for_all, self._for_agents):
            if names:
                # Nearly all that is loaded stays. To search it for the little garbage takes a tenth
                # of a second; kept like the rest, that garbage is shared by all children.
                gc.disable()
                _load(names.pop(0))
                return
        if self.code is None:
            self._settle()
        elif not self._is_rehearsed:
            self._rehearse()

    def end_in_fork(self) -> None:
        """Collect garbage as usual from now on, in a fork that may have come before all is loaded.

        Otherwise a router would hardly ever look for what its ended sessions have left.
        """
        gc.freeze()
        gc.enable()

    def make_ready(self, *, for_agents: bool) -> None:
        """Load what is still missing for programs of ocsd, or for many or few agents."""
        while self._for_all or (for_agents and self.code is None):
            self.step()
        if for_agents and self._pause_s == MOMENT_S:
            self.step()

    def _rehearse(self) -> None:
        self._is_rehearsed = True
        # What is loaded now from changed files must not count as what is on the disk.
        if self.code is None or self.code.changed():
            return
        try:
            importlib.import_module("ocsd.forkserver.warmth.rehearsal").rehearse()
        except Exception:  # noqa: BLE001 - a saving must never cost an agent
            self.trouble = traceback.format_exc()
        gc.collect()
        self._settle()

    def _settle(self) -> None:
        own = os.path.dirname(ocsd.__file__)
        self.code = LoadedCode(list(sys.modules.values()), own, package_folders())
        _forget_missing_folders()
        # Objects that are never collected are never touched by the collector, so
        # their pages stay shared between all children.
        gc.freeze()
        gc.enable()


def _load(name: str) -> None:
    with one_thread():
        try:
            with put_off():
                importlib.import_module(name)
        except ImportError:
            # E.g. a new release of a library imports more of what is put off.
            importlib.import_module(name)


def _forget_missing_folders() -> None:
    """Let agents search again for folders of the search path that are missing now.

    Folders that are there are listed again when they change. `importlib.invalidate_caches`
    has all of them listed again at once, in the private memory of each agent.
    """
    missing = [path for path, finder in sys.path_importer_cache.items() if finder is None]
    for path in missing:
        del sys.path_importer_cache[path]


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep numpy's linear algebra from starting threads, here and nowhere else.

    A thread that exists when the fork server forks is missing in the child, which
    may wait for it for ever. Programs that are executed later get the environment as it was.
    """
    before = {name: os.environ.get(name) for name in THREAD_COUNTS}
    os.environ.update(dict.fromkeys(THREAD_COUNTS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
