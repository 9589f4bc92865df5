"""A data folder, and the index that saves reading its files whole again.

The index has one file for each subfolder. It stands in ``DATA/ocsd/index`` if the data
folder belongs to this user, else in the user's cache folder: files of another user could
be in the way of the aggregator later.
"""

import contextlib
import errno
import hashlib
import importlib
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from ocsd.data.index import CutOff, FileSummary
from ocsd.data.spans import BELIEVED_AHEAD_S, LONGEST_WRITING_S, window
from ocsd.errors import NoDataError, NotPermittedError, OcsdError
from ocsd.system.files import replacing
from ocsd.system.garbage import uncollected

Report = Callable[[int, int], None]
"""Called with the bytes that were read, and the bytes to read in all."""

# Greatest distance of data from the time in a file's name (so3g.hk.load_range) [s].
REACH_S: Final = 7200.0

_SAVED_AT_ONCE: Final = 16
"""Files that are read before their summaries are written: to write an index takes milliseconds."""

_BEGINNING_BYTES: Final = 2**16
_INDEX_VERSION: Final = 3
_FILE = re.compile(r"\d{5}/\d+\.g3")
_CUT_OFF = re.compile(r"\d{5}/\d+\.g3\.torn\d*")


def silent(_done_bytes: int, _all_bytes: int) -> None:
    """Report nothing."""


class DataFolder:
    """The files below a data folder, and summaries of them.

    `clock` returns the present [s, Unix time].

    Raises
    ------
    NoDataError
        If there is no such folder.
    NotPermittedError
        If this user may not see whether there is one; in methods: read it or a file of it.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        with permitted(path):
            there = path.is_dir()
        if not there:
            raise NoDataError(f"there is no data folder {path}; say with --folder where data are")
        self.path = path
        self._clock = clock
        self._unsaved = _Index(path)
        self.unframed: Any = None  # `ocsd.data.unframed.UnframedRows` of the last `summaries`

    def files(self, since_at: float | None = None, until_at: float | None = None) -> list[Path]:
        """Return the G3 files that can have data of a time [s, Unix time], in order."""
        return self._paths(_FILE, since_at, until_at)

    def cut_off(self, since_at: float | None = None, until_at: float | None = None) -> list[CutOff]:
        """Return the bytes cut off from files that can have data of a time [s, Unix time].

        They are listed as long as they are kept (`ocsd.data.repair`).
        """
        parts = []
        for path in self._paths(_CUT_OFF, since_at, until_at):
            with permitted(path):
                size_bytes = path.stat().st_size
            if size_bytes:
                kept = self.name(path)
                parts.append(CutOff(kept.rpartition(".")[0], kept, _opened_at(path), size_bytes))
        return parts

    def _paths(
        self, pattern: re.Pattern[str], since_at: float | None, until_at: float | None
    ) -> list[Path]:
        with permitted(self.path):
            subfolders = [path for path in self.path.iterdir() if re.fullmatch(r"\d{5}", path.name)]
        begin, end = window(since_at, until_at)
        paths = (path for subfolder in subfolders for path in self._paths_in(subfolder, pattern))
        reached = (path for path in paths if begin - REACH_S <= _opened_at(path) <= end + REACH_S)
        return sorted(reached, key=_opened_at)

    def _paths_in(self, subfolder: Path, pattern: re.Pattern[str]) -> list[Path]:
        # A link to nothing is listed and reported when it is read, because data that are
        # away at present must be noticed. glob would leave out unreadable files.
        with permitted(subfolder):
            if not subfolder.is_dir() and not subfolder.is_symlink():
                return []
            return [
                path
                for path in subfolder.iterdir()
                if pattern.fullmatch(self.name(path)) and (path.is_file() or path.is_symlink())
            ]

    def name(self, path: Path) -> str:
        """Return the name of a file in reports and in the index."""
        return str(path).removeprefix(str(self.path)).lstrip(os.sep)

    def being_written(self) -> Path | None:
        """Return the newest file, for as long as the aggregator may still be writing it.

        If there are others that are named after the future, because a clock was wrong, it is the
        one that was changed last.
        """
        now_at = self._clock()
        files = self.files()
        future = [path for path in files if _opened_at(path) > now_at + BELIEVED_AHEAD_S]
        newest = files[: len(files) - len(future)][-1:]
        if newest and now_at - _opened_at(newest[0]) >= LONGEST_WRITING_S:
            newest = []
        return max(newest + future, key=_changed_ns, default=None)

    def written_now(self) -> set[Path]:
        """Return the files that the aggregator may still be writing."""
        return {path for path in (self.being_written(),) if path is not None}

    def summaries(
        self,
        since_at: float | None = None,
        until_at: float | None = None,
        report: Report = silent,
    ) -> list[FileSummary]:
        """Return summaries of the files that can have data of a time [s, Unix time].

        Only files that are new or changed since they were indexed are read. The last summary is
        that of the journal, if samples in it are in no file yet.
        """
        self.unframed = self._read_journal()
        files = [path for path in self.files(since_at, until_at) if self._is_known(path)]
        index = _Index(self.path)
        summaries = self._indexed(files, index)
        summaries |= self._read([path for path in files if path not in summaries], index, report)
        found = [summaries[path] for path in files]
        waiting = self.unframed and self.unframed.summary()
        if waiting:
            found.append(waiting)
        return found

    def summaries_of(self, files: Sequence[Path], read: bool = True) -> dict[Path, FileSummary]:
        """Return summaries of closed files; without `read`, of those only that are indexed."""
        if not read:
            with uncollected():  # the entries of the index are no more when it ends
                return self._indexed(files, _Index(self.path))
        index = _Index(self.path)
        summaries = self._indexed(files, index)
        for path in (path for path in files if path not in summaries):
            summaries[path] = self._read_whole(path, index, being_written=False)
        index.save()
        return summaries

    def summary_of(self, path: Path, observe: Callable[[str, Any], None]) -> FileSummary:
        """Read a closed file, put it into the index, and return its summary.

        `observe` is called with the feed of each data frame, and the frame. The index is written
        after some files; `save_index` writes it at once.
        """
        scanning = importlib.import_module("ocsd.data.scan")
        with permitted(path):
            summary: FileSummary = scanning.scan(path, self.name(path), None, observe)
        self._unsaved.put(summary)
        if self._unsaved.new >= _SAVED_AT_ONCE:
            self.save_index()
        return summary

    def save_index(self) -> None:
        """Write the summaries of `summary_of` that are not in the index yet."""
        if self._unsaved.new:
            self._unsaved.save()
            self._unsaved = _Index(self.path)

    def _indexed(self, files: Iterable[Path], index: "_Index") -> dict[Path, FileSummary]:
        """Return the summaries of those files that are in the index."""
        summaries = {}
        with uncollected():
            for path in files:
                try:
                    summary = index.get(self.name(path), path)
                except OSError:
                    with permitted(path):
                        raise
                if summary is not None:
                    summaries[path] = summary
        return summaries

    def _read(
        self, files: Sequence[Path], index: "_Index", report: Report
    ) -> dict[Path, FileSummary]:
        """Read files whole, and put them into the index."""
        summaries: dict[Path, FileSummary] = {}
        to_read: dict[Path, int] = {}
        for path in files:
            with permitted(path):
                to_read[path] = path.stat().st_size
        done, work = 0, sum(to_read.values())
        writing = self.being_written()
        for _subfolder, group in groupby(to_read, key=lambda path: path.parent):
            for path in group:
                summaries[path] = self._read_whole(path, index, path == writing)
                done += to_read[path]
                report(done, work)
            index.save()
        return summaries

    def _read_whole(self, path: Path, index: "_Index", being_written: bool) -> FileSummary:
        """Read a file, and put it into the index unless a frame of it is being written."""
        summary = self._scan(path)
        settled = tuple(damage for damage in summary.damage if not damage.at_end)
        if being_written and settled != summary.damage:
            # A frame that is just being written is not damage, and the file is not complete.
            return replace(summary, damage=settled)
        if self._is_complete(path, summary):
            index.put(summary)
        return summary

    def _is_complete(self, path: Path, summary: FileSummary) -> bool:
        """Return whether a file did not go on after the journal was read."""
        end = self._end(path)
        return end is None or end >= summary.size_bytes

    def _read_journal(self) -> Any:
        if not any((self.path / "ocsd" / "journal").glob("*.wal")):
            return None
        unframed = importlib.import_module("ocsd.data.unframed")
        with permitted(self.path):
            return unframed.read(self.path, self._clock())

    def _is_known(self, path: Path) -> bool:
        """Return whether the journal, if there is one, was read after a file was begun."""
        journal = self.unframed
        if journal is None or self.name(path) in journal.ends:
            return True
        # The name has the second only, and the file may be younger than the journal's reading.
        read_at: float = journal.read_at
        return _opened_at(path) + 1 <= read_at

    def _end(self, path: Path) -> int | None:
        """Return how far a file has to be read; None if it has to be read whole."""
        if self.unframed is None:
            return None
        end: int | None = self.unframed.ends.get(self.name(path))
        return end

    def _scan(self, path: Path) -> FileSummary:
        # It imports numpy and so3g, which are slow and which the command line must not load.
        scan = importlib.import_module("ocsd.data.scan")
        with permitted(path):
            summary: FileSummary = scan.scan(path, self.name(path), self._end(path))
        return summary


class _Index:
    """The summaries of files that were read before; `new` is the number of those added since."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, dict[str, Any]] = {}
        self._changed: set[str] = set()
        self.new = 0

    def get(self, name: str, path: Path) -> FileSummary | None:
        """Return the summary of a file; None if there is none, or the file has changed."""
        entry = self._entries(name.partition("/")[0]).get(name)
        if entry is None:
            return None
        now = path.stat()
        try:
            is_same = (entry["size_bytes"], entry["mtime_ns"]) == (now.st_size, now.st_mtime_ns)
            tells_units = all("units" in source for source in entry["sources"])
            if is_same and (tells_units or not _has_units(path)):
                return FileSummary.of_json(entry)
        except (KeyError, TypeError, ValueError):
            pass  # of another release, or broken: the file is read again
        return None

    def put(self, summary: FileSummary) -> None:
        """Add a summary."""
        subfolder = summary.name.partition("/")[0]
        self._entries(subfolder)[summary.name] = asdict(summary)
        self._changed.add(subfolder)
        self.new += 1

    def save(self) -> None:
        """Write new summaries; an index that cannot be written is not an error."""
        for subfolder in sorted(self._changed):
            entries = self._read[subfolder].items()
            there = {name: entry for name, entry in entries if (self._folder / name).exists()}
            text = json.dumps({"version": _INDEX_VERSION, "files": there})
            place = places(self._folder)[0] / f"{subfolder}.json"
            with contextlib.suppress(OSError):
                place.parent.mkdir(parents=True, exist_ok=True)
                with replacing(place, shared=True) as beside:
                    beside.write_text(text)
        self._changed.clear()

    def _entries(self, subfolder: str) -> dict[str, Any]:
        if subfolder not in self._read:
            self._read[subfolder] = {}
            for place in reversed(places(self._folder)):
                self._read[subfolder] |= _stored(place / f"{subfolder}.json")
        return self._read[subfolder]


def places(folder: Path, what: str = "index") -> Sequence[Path]:
    """Return the folders that can have an index of `folder`; it is written to the first.

    `what` is the name of these folders; trends have others.
    """
    inside = folder / "ocsd" / what
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:16]
    outside = base / "ocsd" / what / digest
    if folder.stat().st_uid == os.geteuid() and os.access(folder, os.W_OK):
        return inside, outside
    return outside, inside


def _has_units(path: Path) -> bool:
    """Return whether a file begins with units, which ocsd 0.1 left out of its index."""
    with path.open("rb") as file:
        return b"units" in file.read(_BEGINNING_BYTES)


def _stored(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    match content:
        case {"version": version, "files": dict() as files} if version == _INDEX_VERSION:
            return files
        case _:
            return {}


def _changed_ns(path: Path) -> int:
    """Return when a file was changed last; 0 if it is gone, or a link to nothing."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _opened_at(path: Path) -> int:
    return int(path.name.partition(".")[0])


@contextlib.contextmanager
def permitted(path: Path) -> Iterator[None]:
    """Turn failures to read `path` into errors for an operator.

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
            raise NoDataError(
                f"{path} is a link to {path.readlink()}, which is not there; mount its file "
                "system, or remove the link"
            ) from error
        raise NoDataError(f"{error.filename or path} was removed just now; try again") from error
    except OSError as error:
        raise OcsdError(
            f"cannot read {error.filename or path}: {error.strerror or error}; {_remedy(error)}"
        ) from error


def _remedy(error: OSError) -> str:
    if error.errno in {errno.EMFILE, errno.ENFILE}:
        return (
            "try again, and if it stays so, raise the limit of open files (LimitNOFILE=, ulimit -n)"
        )
    return "look at the disk and the kernel's log, or move the file away"
