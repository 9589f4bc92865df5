"""The G3 files of a data folder, listed again only where something changed."""

import os
import re
import stat
from collections.abc import Callable, Iterable, Set
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from ocsd.data.folder import permitted
from ocsd.data.index import CutOff
from ocsd.data.trend.places import Source
from ocsd.errors import NoDataError

_SUBFOLDER: Final = re.compile(r"\d{5}")
_FILE: Final = re.compile(r"\d+\.g3(\.torn\d*)?")
# A folder whose time of change is that young may change again within the same time.
_RECENT_NS: Final = 2_000_000_000
_ALL_AGAIN_S: Final = 600.0
"""Files are not changed when they are closed, but a repair may; so all are compared again [s]."""


class SourceFile(NamedTuple):
    """A G3 file."""

    name: str
    opened_at: int
    size_bytes: int
    mtime_ns: int

    @property
    def source(self) -> Source:
        """The values that a trend of it depends on."""
        return self.name, self.size_bytes, self.mtime_ns


class _Listed(NamedTuple):
    changed_ns: int
    settled: bool
    files: tuple[SourceFile, ...]
    cut_off: tuple[CutOff, ...]


class Listing:
    """The files by subfolder, as of the last `refresh`.

    `clock` returns the present [s, Unix time].
    """

    def __init__(self, root: Path, clock: Callable[[], float]) -> None:
        self._root = root
        self._clock = clock
        self._listed: dict[str, _Listed] = {}
        self._all_at = -float("inf")

    @property
    def folders(self) -> dict[str, tuple[SourceFile, ...]]:
        """The files of each subfolder, in order of time."""
        return {name: listed.files for name, listed in sorted(self._listed.items()) if listed.files}

    def newest(self) -> SourceFile | None:
        """Return the file that was opened last."""
        last = [listed.files[-1] for listed in self._listed.values() if listed.files]
        return max(last, key=lambda file: file.opened_at, default=None)

    @property
    def cut_off(self) -> list[CutOff]:
        """The bytes that repairs have cut off from files."""
        return [part for _, listed in sorted(self._listed.items()) for part in listed.cut_off]

    def recent(self, names: Iterable[str]) -> list[SourceFile]:
        """Return the files of the subfolders of some files, and of the newest subfolders."""
        wanted = {name.partition("/")[0] for name in names} | self._newest(self._listed.keys())
        found = [self._listed[name].files for name in wanted if name in self._listed]
        return [*chain.from_iterable(found)]

    def refresh(self) -> None:
        """List what is new.

        Raises
        ------
        NoDataError
            If the folder is gone.
        NotPermittedError
            If this user may not read it.
        """
        if not self._root.is_dir():
            raise NoDataError(
                f"the data folder {self._root} is not there any more: it was moved or removed, or "
                "its disk is not mounted"
            )
        now_at = self._clock()
        whole = now_at - self._all_at >= _ALL_AGAIN_S
        with permitted(self._root):
            names = {name for name in os.listdir(self._root) if _SUBFOLDER.fullmatch(name)}
        for name in self._listed.keys() - names:
            del self._listed[name]
        newest = self._newest(names)
        for name in names:
            self._refresh(name, again=whole or name in newest)
        if whole:
            self._all_at = now_at

    def _newest(self, names: Set[str]) -> set[str]:
        """Return the subfolders in which a file may be being written.

        They are the last ones by name, and the last that changed: while a clock was wrong, folders
        may have been named after the future.
        """
        changed = sorted(self._listed, key=lambda name: self._listed[name].changed_ns)
        return {*sorted(names)[-2:], *changed[-2:]}

    def _refresh(self, name: str, again: bool) -> None:
        path = self._root / name
        with permitted(path):
            state = path.stat()
            changed_ns = state.st_mtime_ns
            known = self._listed.get(name)
            if known and known.settled and known.changed_ns == changed_ns and not again:
                return
            found = _Listed(changed_ns, False, (), ())
            if stat.S_ISDIR(state.st_mode):
                found = _listed(path, changed_ns)
        if known and known.files == found.files:
            found = found._replace(files=known.files)  # the same object is compared faster
        settled = self._clock() * 1e9 - changed_ns > _RECENT_NS
        self._listed[name] = found._replace(settled=settled)


def _listed(folder: Path, changed_ns: int) -> _Listed:
    files, cut_off = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if not _FILE.fullmatch(entry.name):
                continue
            try:
                found = entry.stat()
            except FileNotFoundError:  # a link to nothing: reading it says so
                found = entry.stat(follow_symlinks=False)
            name = f"{folder.name}/{entry.name}"
            opened_at = int(entry.name.partition(".")[0])
            if entry.name.endswith(".g3"):
                files.append(SourceFile(name, opened_at, found.st_size, found.st_mtime_ns))
            elif found.st_size:
                cut_off.append(CutOff(name.rpartition(".")[0], name, opened_at, found.st_size))
    files.sort(key=lambda file: file.opened_at)
    return _Listed(changed_ns, False, tuple(files), tuple(cut_off))
