"""The G3 files of a data folder, listed again only where something changed."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from ocsd.data.folder import permitted
from ocsd.data.trend.places import Source
from ocsd.errors import NoDataError

_SUBFOLDER: Final = re.compile(r"\d{5}")
_FILE: Final = re.compile(r"\d+\.g3")
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
        newest = sorted(names)[-2:]
        for name in names:
            self._refresh(name, again=whole or name in newest)
        if whole:
            self._all_at = now_at

    def _refresh(self, name: str, again: bool) -> None:
        path = self._root / name
        with permitted(path):
            changed_ns = path.stat().st_mtime_ns
            known = self._listed.get(name)
            if known and known.settled and known.changed_ns == changed_ns and not again:
                return
            files = tuple(sorted(_files_in(path), key=lambda file: file.opened_at))
        if known and known.files == files:
            files = known.files  # the same object, which is compared faster
        settled = self._clock() * 1e9 - changed_ns > _RECENT_NS
        self._listed[name] = _Listed(changed_ns, settled, files)


def _files_in(folder: Path) -> list[SourceFile]:
    files = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if _FILE.fullmatch(entry.name):
                try:
                    found = entry.stat()
                except FileNotFoundError:  # a link to nothing: reading it says so
                    found = entry.stat(follow_symlinks=False)
                opened_at = int(entry.name.partition(".")[0])
                name = f"{folder.name}/{entry.name}"
                files.append(SourceFile(name, opened_at, found.st_size, found.st_mtime_ns))
    return files
