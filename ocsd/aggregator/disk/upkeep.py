"""The work that must not hold up the recording: waiting for the disk, clearing the journal.

Only synced data are safe against a power cut: the journal is synced once a second, the G3
files before the segments that they replace are deleted. The order within one round ensures
that: journal, G3 files, ledger, deletion.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeAlias

from ocsd.aggregator.disk.append_file import sync_and_close
from ocsd.aggregator.disk.archive import G3Files, folder_trouble
from ocsd.aggregator.disk.journal_writer import JournalWriter
from ocsd.aggregator.disk.recovery import ledger_path
from ocsd.aggregator.incoming.tally import Log
from ocsd.system.files import replace, sync

# Period of renewing the ledger and deleting segments [s].
ROUND_S: Final = 30.0

Job: TypeAlias = Callable[[], None]


class Worker:
    """A thread that begins with its first job."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="sync")
        self._last: Future[None] | None = None

    @property
    def busy(self) -> bool:
        """True while a job is under way."""
        return self._last is not None and not self._last.done()

    def submit(self, job: Job) -> None:
        """Start a job."""
        self._last = self._executor.submit(job)

    def close(self) -> None:
        """Return when all jobs are done."""
        self._executor.shutdown()


class Upkeep:
    """Syncs files, renews the ledger, deletes old segments; the worker waits for the disk."""

    def __init__(self, archive: G3Files, writer: JournalWriter, worker: Worker, log: Log) -> None:
        self._archive = archive
        self._writer = writer
        self._worker = worker
        self._log = log
        self._round_s = 0.0
        self._unsynced: list[int] = []
        self._unsafe: str | None = None
        self._overdue: str | None = None

    @property
    def trouble(self) -> str | None:
        """The failure of the disk, its consequence and the remedy; None if there is none."""
        return self._unsafe or self._overdue

    def tick(
        self, now_s: float, snapshot: Callable[[], bytes], needed: Callable[[], int | None]
    ) -> None:
        """Start a job for the disk, unless it is still busy with the last one.

        Parameters
        ----------
        now_s : float
            Monotonic time [s].
        snapshot : callable
            Returns the present ledger.
        needed : callable
            Returns the first segment that is still needed; None if it is the current one.
        """
        if self._worker.busy:
            return
        # After a failure only a whole round shows that all is well again.
        if self._overdue is None and now_s - self._round_s < ROUND_S:
            self._submit(lambda: _nothing)
            return
        self._round_s = now_s
        self._submit(lambda: self._round(snapshot(), needed(), everything=False))

    def close(self, snapshot: bytes, needed: int | None) -> None:
        """Do all that is left to do; a journal that is not needed any more is deleted."""
        self._submit(lambda: self._round(snapshot, needed, everything=needed is None))
        self._worker.close()
        self._writer.close()

    def _submit(self, prepare: Callable[[], Job]) -> None:
        """Start syncing the journal, followed by the job that `prepare` returns."""
        try:
            self._unsynced += self._writer.take_unsynced()
            then = prepare()
        except OSError as error:  # e.g. no descriptor is left
            then = _failing(error)
        descriptors, self._unsynced = self._unsynced, []
        self._worker.submit(lambda: self._guarded(descriptors, then))

    def _round(self, snapshot: bytes, needed: int | None, *, everything: bool) -> Job:
        self._unsynced += self._archive.take_unsynced()
        end = self._writer.segment
        if everything:
            end += 1
        elif needed is not None:
            end = min(needed, end)
        segments = self._writer.segments()
        old = [path for number, path in segments if number < end]
        folders = {path.parent for _, path in segments}
        if self._archive.path is not None:
            folders |= {self._archive.path.parent, self._archive.folder}
        return lambda: self._renew(folders, snapshot, old)

    def _renew(self, folders: set[Path], snapshot: bytes, old: list[Path]) -> None:
        for folder in folders:
            sync(folder)
        replace(ledger_path(self._archive.folder), snapshot, durable=True)
        if self._unsafe:
            return  # These segments may hold the data that the disk did not keep.
        for path in old:
            path.unlink(missing_ok=True)

    def _guarded(self, descriptors: list[int], then: Job) -> None:
        """Do one job; it runs in the thread, so it must not raise."""
        folder = self._archive.folder
        failure = _sync(descriptors)
        if failure is not None:
            # Linux reports this once only; the next sync would seem to succeed.
            self._unsafe = self._report(
                f"recording goes on, but the disk of {folder} has not kept all that was written: "
                f"{failure.strerror or failure}; see to the disk (`dmesg` says more) and restart "
                "the aggregator, whose journal grows until then"
            )
            return
        try:
            then()
        except OSError as error:
            cause = folder_trouble(folder, error)
            self._overdue = self._report(f"recording goes on, but its journal grows: {cause}")
        else:
            self._overdue = None

    def _report(self, trouble: str) -> str:
        """Return `trouble`, after logging it if it is new."""
        if trouble not in {self._unsafe, self._overdue}:
            self._log.warn("{trouble}", trouble=trouble)
        return trouble


def _sync(descriptors: list[int]) -> OSError | None:
    """Sync files and close their descriptors; return the last failure."""
    failure: OSError | None = None
    for descriptor in descriptors:
        try:
            sync_and_close(descriptor)
        except OSError as error:
            failure = error
    return failure


def _failing(error: OSError) -> Job:
    def fail() -> None:
        raise error

    return fail


def _nothing() -> None:
    """Delete nothing."""
