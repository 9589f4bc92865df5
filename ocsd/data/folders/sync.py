"""Brings the closed files of a data folder to another folder, each verified there by checksum.

**Safe at any point.** A file is written under a name that no reader takes (``.NAME.part``), waits
for the disk, is read back and compared with the checksum of what was read, and gets its name in
one step. Then it is put on record. A kill between any two steps leaves a part, which the next sync
replaces, or a file that is not on record, which it verifies or copies again.

**Closed files only.** The file that the aggregator may be writing is left for the next time, and so
is one that changes while it is copied. A file that changed since it was copied (a repair, a power
cut) is copied again; the former copy is kept beside it as ``NAME.replaced``.

**Deletion.** A file is deleted from the source only if it is old enough, the journal does not
know it any more (the aggregator would write its data again), and source and copy have just been
read again and are the same.
"""

import errno
import fcntl
import hashlib
import importlib
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from ocsd.data.folder import DataFolder, Report, permitted, silent
from ocsd.data.folders.record import CopiedFile, CopyRecord, check_source
from ocsd.errors import OcsdError, OutputFileError
from ocsd.system.files import sync as synced

SHORTEST_AGE_S: Final = 3 * 3600.0
"""Files that are younger are never deleted: one is written for two hours at most [s]."""

_AT_ONCE_BYTES: Final = 2**20


@dataclass(slots=True)
class SyncReport:
    """The result of a sync, by names of files within the data folder."""

    copied: list[str] = field(default_factory=list)
    copied_bytes: int = 0
    present: int = 0
    """Number of files that were there already."""
    deleted: list[str] = field(default_factory=list)
    kept: dict[str, str] = field(default_factory=dict)
    """Files that are old enough to be deleted and were not, with the reason."""
    replaced: list[str] = field(default_factory=list)
    """Files of which another version was in the copy, which is kept as ``NAME.replaced``."""
    later: list[str] = field(default_factory=list)
    """Files that are being written or have changed meanwhile: the next sync takes them."""
    problems: dict[str, str] = field(default_factory=dict)
    """Files that could not be read, with the reason."""

    def as_json(self) -> dict[str, Any]:
        """Return it for programs."""
        return asdict(self)


class Sync:
    """One sync of a data folder to the folder `copy`, which is made if it is not there.

    Parameters
    ----------
    folder : DataFolder
        The source.
    copy : Path
        The folder of the copy.
    verify : bool
        Read every file of the copy again, also those that were verified before.
    since_at, until_at : float, optional
        Only files that can have data of that time [s, Unix time].
    delete_after_s : float, optional
        Age [s] from which files are deleted from the source; None deletes none.
    clock : callable
        Returns the present [s, Unix time].
    """

    def __init__(
        self,
        folder: DataFolder,
        copy: Path,
        *,
        verify: bool = False,
        since_at: float | None = None,
        until_at: float | None = None,
        delete_after_s: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._copy = copy
        self._verify = verify
        self._span = since_at, until_at
        self._delete_after_s = delete_after_s
        self._clock = clock
        self._record = CopyRecord(copy / "ocsd" / "sync")
        self.report = SyncReport()

    def run(self, progress: Report = silent) -> SyncReport:
        """Bring all closed files over; `progress` gets the bytes done, and of all.

        Raises
        ------
        OutputFileError
            If the copy cannot be written, is that of another folder, or is in use by another sync.
        NotPermittedError, OcsdError
            If the source cannot be listed.
        """
        names = self._closed()
        sizes = {name: self._size_bytes(name) for name in names}
        done, work = 0, sum(sizes.values())
        with self._writing():
            for name in names:
                self._bring(name)
                done += sizes[name]
                progress(done, work)
            if self._delete_after_s is not None:
                self._delete(names)
        return self.report

    def _closed(self) -> list[str]:
        """Return the names of files that are not written any more, in order of time."""
        writing = self._folder.being_written()
        files = self._folder.files(*self._span)
        if writing is not None:
            self.report.later.append(self._folder.name(writing))
        names = [self._folder.name(path) for path in files if path != writing]
        names += [each.kept for each in self._folder.cut_off(*self._span)]
        quarantine = sorted((self._folder.path / "ocsd" / "quarantine").glob("*.jsonl"))
        return names + [self._folder.name(path) for path in quarantine]

    def _size_bytes(self, name: str) -> int:
        with suppress(OSError):
            return (self._folder.path / name).stat().st_size
        return 0

    def _bring(self, name: str) -> None:
        source, target = self._folder.path / name, self._copy / name
        try:
            with permitted(source):
                now = source.stat()
            known = self._record.get(name)
            is_same = known and (known.size_bytes, known.mtime_ns) == (now.st_size, now.st_mtime_ns)
            if known and is_same and self._is_there(target, known):
                self.report.present += 1
                return
            self._copy_file(name, source, target)
        except OutputFileError:
            raise
        except OcsdError as error:
            self.report.problems[name] = str(error)

    def _is_there(self, target: Path, known: CopiedFile) -> bool:
        """Return whether a file of the copy is as it was verified."""
        try:
            if target.stat().st_size != known.size_bytes:
                return False
        except FileNotFoundError:
            return False
        return not self._verify or digest(target) == known.sha256

    def _copy_file(self, name: str, source: Path, target: Path) -> None:
        part = target.with_name(f".{target.name}.part")
        if not part.parent.is_dir():
            part.parent.mkdir(parents=True)
            synced(part.parent.parent)
        with permitted(source):
            before = source.stat()
            checksum = _copied(source, part)
            after = source.stat()
        if _version(before) != _version(after) or part.stat().st_size != before.st_size:
            part.unlink()
            self.report.later.append(name)
            return
        synced(part)
        if digest(part) != checksum:
            part.unlink()
            raise OutputFileError(
                f"{target} was read back with another checksum than {source}; look at the disk "
                "and the network of the copy (`dmesg` says more); the source is untouched"
            )
        os.utime(part, ns=(before.st_atime_ns, before.st_mtime_ns))
        self._keep_former(name, target, checksum)
        part.replace(target)
        synced(target.parent)
        self._record.put(name, CopiedFile(before.st_size, before.st_mtime_ns, checksum))
        self.report.copied.append(name)
        self.report.copied_bytes += before.st_size

    def _keep_former(self, name: str, target: Path, checksum: str) -> None:
        """Keep another version of a file under a name that no reader takes."""
        if target.exists() and digest(target) != checksum:
            target.replace(target.with_name(f"{target.name}.replaced"))
            self.report.replaced.append(name)

    def _delete(self, names: list[str]) -> None:
        journal = self._known_to_journal()
        for name in names:
            source = self._folder.path / name
            if not name.endswith(".g3") or self._is_young(source):
                continue
            why = self._why_kept(name, source, journal)
            if why:
                self.report.kept[name] = why
                continue
            try:
                source.unlink()
            except OSError as error:
                self.report.kept[name] = f"it cannot be deleted: {error.strerror or error}"
            else:
                self.report.deleted.append(name)

    def _is_young(self, source: Path) -> bool:
        least_s = max(self._delete_after_s or 0.0, SHORTEST_AGE_S)
        try:
            return self._clock() - source.stat().st_mtime < least_s
        except FileNotFoundError:
            return True

    def _why_kept(self, name: str, source: Path, journal: set[str] | None) -> str:
        """Return why a file must not be deleted; nothing if it is safe."""
        known = self._record.get(name)
        if known is None or name in self.report.problems or name in self.report.later:
            return "it is not in the copy yet"
        if journal is None:
            return "this user cannot read the journal of the aggregator"
        if name in journal:
            return "the journal of the aggregator still has its data"
        try:
            if digest(source) != known.sha256 or digest(self._copy / name) != known.sha256:
                return "source and copy were read again and are not the same"
        except OSError as error:
            return f"it cannot be read again: {error.strerror or error}"
        return ""

    def _known_to_journal(self) -> set[str] | None:
        """Return the files that a recovery would write again if they were gone."""
        if not any((self._folder.path / "ocsd" / "journal").glob("*.wal")):
            return set()
        # It loads numpy.
        unframed: Any = importlib.import_module("ocsd.data.unframed")
        with suppress(OSError):
            rows = unframed.read(self._folder.path, self._clock())
            return None if rows is None else set(rows.ends)
        return None

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the copy, and turn its failures into errors for an operator."""
        try:
            own = self._copy / "ocsd" / "sync"
            own.mkdir(parents=True, exist_ok=True)
            if os.path.samefile(self._copy, self._folder.path):
                raise OutputFileError(f"{self._copy} is the data folder itself; name another one")
            with _held(own / "lock", self._copy):
                check_source(own, f"{socket.gethostname()}:{self._folder.path.resolve()}")
                yield
        except OSError as error:
            raise _unwritten(self._copy, error) from error


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, read from the disk as far as the system lets us.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    checksum = hashlib.sha256()
    with path.open("rb") as file:
        # What is still in memory would prove nothing about the disk.
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while data := file.read(_AT_ONCE_BYTES):
            checksum.update(data)
    return checksum.hexdigest()


def _copied(source: Path, part: Path) -> str:
    """Copy a file, and return the SHA-256 of what was read."""
    checksum = hashlib.sha256()
    with source.open("rb") as reading, _written(part) as writing:
        while data := _read(reading, source):
            checksum.update(data)
            writing.write(data)
    return checksum.hexdigest()


def _read(file: BinaryIO, source: Path) -> bytes:
    # Its failures must not be taken for those of the copy.
    with permitted(source):
        return file.read(_AT_ONCE_BYTES)


@contextmanager
def _written(part: Path) -> Iterator[BinaryIO]:
    """Yield the unfinished file; it is removed if its disk takes no more."""
    try:
        with part.open("wb") as file:
            yield file
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise _unwritten(part, error) from error


def _unwritten(path: Path, error: OSError) -> OutputFileError:
    return OutputFileError(
        f"cannot write {path}: {error.strerror or error}; {_remedy(error)}; what was copied is "
        "kept, and the next sync goes on from there"
    )


@contextmanager
def _held(path: Path, copy: Path) -> Iterator[None]:
    """Hold the lock of a copy.

    Raises
    ------
    OutputFileError
        If another sync holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip() or "unknown"
            raise OutputFileError(
                f"another sync (pid {holder}) is writing to {copy}; wait until it has ended"
            ) from error
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _version(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _remedy(error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return "make room there"
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return "make it writable for this user"
    return "look at its disk or network"
