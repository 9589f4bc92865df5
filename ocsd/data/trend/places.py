"""Where trend files stand, and whether they are still those of their sources."""

import hashlib
import os
import re
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from ocsd.data.folder import places
from ocsd.data.trend.format import BadTrendError, Trend, TrendFile, encoded, write

_UNFINISHED: Final = re.compile(r"\.\d+\.trend\.\d+")
"""Names that `ocsd.system.files.replacing` gives to trends that are being written."""
_LEFT_AFTER_S: Final = 3600.0

Source = tuple[str, int, int]
"""Name, size [bytes] and time of the last change [ns] of a G3 file."""


def key_of(sources: Iterable[Source]) -> str:
    """Return what a trend of these files has as its key."""
    text = "".join(f"{name} {size} {mtime_ns}\n" for name, size, mtime_ns in sources)
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class TrendPlaces:
    """The trend files of a data folder.

    They stand in ``DATA/ocsd/trend`` if the folder belongs to this user, else in the state folder
    `state`, if there is one, else in the user's cache folder.

    `refusal` says why the last file could not be written; empty if it was.
    """

    def __init__(self, folder: Path, state: Path | None = None) -> None:
        first, second = places(folder, "trend")
        inside = folder / "ocsd" / "trend"
        outside = first
        if first == inside:
            outside = second
        if state is not None:
            outside = state / "trend" / outside.name
        self._folders = [outside, inside]
        if first == inside:
            self._folders.reverse()
        self.refusal = ""
        self._bad: set[Path] = set()

    @property
    def folder(self) -> Path:
        """The folder in which new trends are written."""
        return self._folders[0]

    def find(self, name: str, key: str) -> TrendFile | None:
        """Return a trend if it is there, sound, and of these sources."""
        for folder in self._folders:
            path = folder / f"{name}.trend"
            with suppress(BadTrendError, ValueError, KeyError, TypeError):
                file = TrendFile(path)
                if file.key == key and path not in self._bad:
                    return file
        return None

    def has(self, name: str, key: str) -> bool:
        """Return whether a trend is there, sound, and of these sources."""
        return self.find(name, key) is not None

    def keep(self, name: str, trend: Trend) -> TrendFile:
        """Write a trend; if it cannot be written, return it as it would be read."""
        path = self.folder / f"{name}.trend"
        content = encoded(trend)
        try:
            write(path, content)
        except OSError as error:
            reason = error.strerror or str(error)
            self.refusal = f"cannot write trends into {self.folder}: {reason}"
            return TrendFile(path, content)
        self.refusal = ""
        self._bad.discard(path)
        return TrendFile(path)

    def discard(self, path: Path) -> None:
        """Take a damaged trend file for none, and remove it if possible."""
        self._bad.add(path)
        with suppress(OSError):
            path.unlink()

    def sweep(self) -> None:
        """Remove what writers have left that were ended while they wrote."""
        now_at = time.time()
        for folder, _, names in os.walk(self.folder):
            for name in names:
                path = Path(folder, name)
                if _UNFINISHED.fullmatch(name):
                    with suppress(OSError):
                        if now_at - path.stat().st_mtime > _LEFT_AFTER_S:
                            path.unlink()

    def stored(self) -> list[Path]:
        """Return all trend files that this user can write."""
        found: list[Path] = []
        for folder, _, names in os.walk(self.folder):
            found += (Path(folder, name) for name in names if name.endswith(".trend"))
        return found
