"""A data folder, and the index that saves reading its files whole again.

The index has one file for each subfolder. It stands in ``DATA/ocsd/index`` if the
data folder is this user's, else in the user's cache folder: what another user
makes in a data folder could be in the way of the aggregator later.
"""

import contextlib
import gc
import hashlib
import importlib
import json
import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from ocsd.data.index import CutOff, FileSummary
from ocsd.errors import NoDataError, NotPermittedError, OcsdError

Report = Callable[[int, int], None]
"""Called with the bytes that were read and the bytes that have to be read in all."""

# No file is written for longer (docs/reference/wire.md), and a while to close it.
LONGEST_WRITING_S: Final = 7200.0 + 60.0

# Readers look no further than this from the name of a file (so3g.hk.load_range) [s].
REACH_S: Final = 7200.0

_VERSION: Final = 2
_FILE = re.compile(r"\d{5}/\d+\.g3")
_CUT_OFF = re.compile(r"\d{5}/\d+\.g3\.torn\d*")


def silent(_done_bytes: int, _all_bytes: int) -> None:
    """Report to nobody."""


class DataFolder:
    """The files below a data folder, and what is in them.

    Parameters
    ----------
    path : Path
        The folder.
    clock : callable
        Returns the present [s, Unix time].

    Raises
    ------
    NoDataError
        If there is no such folder.
    NotPermittedError
        If this user may not even see whether there is.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        with permitted(path):
            there = path.is_dir()
        if not there:
            raise NoDataError(f"there is no data folder {path}; say with --folder where data are")
        self.path = path
        self._clock = clock

    def files(self, since_at: float | None = None, until_at: float | None = None) -> list[Path]:
        """Return the G3 files that can have data of a time [s, Unix time], in order.

        Raises
        ------
        NotPermittedError
            If this user may not look into the folder.
        """
        return self._paths(_FILE, since_at, until_at)

    def cut_off(self, since_at: float | None = None, until_at: float | None = None) -> list[CutOff]:
        """Return what repairs have cut off files that can have data of a time [s, Unix time].

        It is known for as long as it is kept (`ocsd.data.repair`).

        Raises
        ------
        NotPermittedError
            If this user may not look into the folder.
        """
        found = []
        for path in self._paths(_CUT_OFF, since_at, until_at):
            with permitted(path):
                size_bytes = path.stat().st_size
            kept = self.name(path)
            found.append(CutOff(kept.rpartition(".")[0], kept, _opened_at(path), size_bytes))
        return [each for each in found if each.size_bytes]

    def _paths(
        self, pattern: re.Pattern[str], since_at: float | None, until_at: float | None
    ) -> list[Path]:
        with permitted(self.path):
            subfolders = [each for each in self.path.iterdir() if re.fullmatch(r"\d{5}", each.name)]
        return sorted(
            (
                path
                for each in subfolders
                for path in self._paths_in(each, pattern)
                if (since_at is None or _opened_at(path) >= since_at - REACH_S)
                and (until_at is None or _opened_at(path) <= until_at + REACH_S)
            ),
            key=_opened_at,
        )

    def _paths_in(self, subfolder: Path, pattern: re.Pattern[str]) -> list[Path]:
        # A link to nothing is listed, and told when it is read: data that are not there
        # at present must not go unnoticed. glob would leave out what may not be read.
        with permitted(subfolder):
            if not subfolder.is_dir() and not subfolder.is_symlink():
                return []
            return [
                path
                for path in subfolder.iterdir()
                if pattern.fullmatch(self.name(path)) and (path.is_file() or path.is_symlink())
            ]

    def name(self, path: Path) -> str:
        """Return what a file is called in reports and in the index."""
        return path.relative_to(self.path).as_posix()

    def being_written(self) -> Path | None:
        """Return the file that the aggregator may be writing at present.

        That is the newest, for as long as any aggregator would write it.
        """
        files = self.files()
        if files and self._clock() - _opened_at(files[-1]) < LONGEST_WRITING_S:
            return files[-1]
        return None

    def summaries(
        self,
        since_at: float | None = None,
        until_at: float | None = None,
        report: Report = silent,
    ) -> list[FileSummary]:
        """Return what the files hold that can have data of a time [s, Unix time].

        Only files that the index does not know as they are now are read.

        Raises
        ------
        NotPermittedError
            If this user may not read the folder or a file.
        """
        files = self.files(since_at, until_at)
        known = _Index(self.path)
        found: dict[Path, FileSummary | None] = {}
        unknown: dict[Path, int] = {}
        with _no_garbage():
            for path in files:
                with permitted(path):
                    found[path] = known.get(self.name(path), path)
                    if found[path] is None:
                        unknown[path] = path.stat().st_size
        done, work = 0, sum(unknown.values())
        writing = self.being_written()
        for _subfolder, group in groupby(unknown, key=lambda path: path.parent):
            for path in group:
                found[path] = summary = self._scan(path, path == writing)
                if path != writing:
                    known.put(summary)
                done += unknown[path]
                report(done, work)
            known.save()
        return [summary for summary in found.values() if summary is not None]

    def _scan(self, path: Path, being_written: bool) -> FileSummary:
        # It loads numpy and so3g, which take longer than all else, and which the
        # command line must not import.
        scan = importlib.import_module("ocsd.data.scan")
        with permitted(path):
            summary: FileSummary = scan.scan(path, self.name(path))
        if being_written:
            # The frame that is just being written is no damage.
            damage = tuple(each for each in summary.damage if not each.at_end)
            summary = replace(summary, damage=damage)
        return summary


class _Index:
    """The summaries of files that have been read before."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, dict[str, Any]] = {}
        self._changed: set[str] = set()

    def get(self, name: str, path: Path) -> FileSummary | None:
        """Return the summary of a file; None if it is not known, or changed since."""
        entry = self._entries(name.partition("/")[0]).get(name)
        if entry is None:
            return None
        now = path.stat()
        try:
            if (entry["size_bytes"], entry["mtime_ns"]) == (now.st_size, now.st_mtime_ns):
                return FileSummary.of_json(entry)
        except (KeyError, TypeError, ValueError):
            pass  # of another release, or broken: read the file again
        return None

    def put(self, summary: FileSummary) -> None:
        """Remember a summary."""
        subfolder = summary.name.partition("/")[0]
        self._entries(subfolder)[summary.name] = summary.as_json()
        self._changed.add(subfolder)

    def save(self) -> None:
        """Write what is new; an index that cannot be written is no reason to fail."""
        for subfolder in sorted(self._changed):
            entries = self._read[subfolder].items()
            there = {name: entry for name, entry in entries if (self._folder / name).exists()}
            text = json.dumps({"version": _VERSION, "files": there})
            place = places(self._folder)[0] / f"{subfolder}.json"
            beside = place.with_name(f"{place.name}.{os.getpid()}")
            with contextlib.suppress(OSError):
                place.parent.mkdir(parents=True, exist_ok=True)
                beside.write_text(text)
                beside.replace(place)
        self._changed.clear()

    def _entries(self, subfolder: str) -> dict[str, Any]:
        if subfolder not in self._read:
            self._read[subfolder] = {}
            for place in reversed(places(self._folder)):
                self._read[subfolder] |= _stored(place / f"{subfolder}.json")
        return self._read[subfolder]


def places(folder: Path) -> Sequence[Path]:
    """Return the folders that can have an index of `folder`; it is written to the first."""
    inside = folder / "ocsd" / "index"
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    outside = base / "ocsd" / "index" / digest
    ours = folder.stat().st_uid == os.geteuid() and os.access(folder, os.W_OK)
    return (inside, outside) if ours else (outside, inside)


def _stored(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict) or content.get("version") != _VERSION:
        return {}
    files = content.get("files")
    return files if isinstance(files, dict) else {}


@contextlib.contextmanager
def _no_garbage() -> Iterator[None]:
    """Keep Python from looking for garbage in an index, which takes longer than reading it."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _opened_at(path: Path) -> int:
    return int(path.name.partition(".")[0])


@contextlib.contextmanager
def permitted(path: Path) -> Iterator[None]:
    """Turn what goes wrong with reading `path` into errors for an operator.

    Raises
    ------
    NotPermittedError
        If this user may not read it.
    NoDataError
        If it is gone, or a link to nothing.
    OcsdError
        If the system cannot read it.
    """
    try:
        yield
    except PermissionError as error:
        raise NotPermittedError(
            f"this user may not read {error.filename or path}; use its owner's account, join its "
            "group, or use sudo"
        ) from error
    except FileNotFoundError as error:
        if path.is_symlink():
            text = f"{path} is a link to {path.readlink()}, which is not there; mount what it is on"
            raise NoDataError(f"{text}, or remove the link") from error
        raise NoDataError(f"{error.filename or path} was removed just now; try again") from error
    except OSError as error:
        raise OcsdError(
            f"cannot read {error.filename or path}: {error.strerror or error}; look at the disk "
            "and the kernel's log, or move the file away"
        ) from error
