"""Begin to record into a folder: all parts of it together, or nothing held and nothing left."""

import contextlib
import os
from dataclasses import dataclass

from ocsd.aggregator.disk.archive import Archive, folder_trouble
from ocsd.aggregator.disk.journal_writer import JournalWriter
from ocsd.aggregator.disk.ledger import Ledger
from ocsd.aggregator.disk.lock import Lock
from ocsd.aggregator.disk.recovery import Recovery, Waiting, journal_folder
from ocsd.aggregator.disk.upkeep import Upkeep, Worker
from ocsd.aggregator.frames import frames
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.incoming.tally import Log
from ocsd.aggregator.recording.filing import Filing
from ocsd.aggregator.recording.introductions import Introductions


@dataclass(frozen=True, slots=True)
class Opened:
    """The parts of a recording at work.

    Attributes
    ----------
    cause : str
        Why nothing was recorded before.
    """

    lock: Lock
    ledger: Ledger
    introductions: Introductions
    writer: JournalWriter
    filing: Filing
    upkeep: Upkeep
    cause: str


def open_folder(
    archive: Archive,
    log: Log,
    run: frames.RecordingRun,
    worker: Worker,
    *,
    now: Instant,
    holes_feed: str,
) -> Opened:
    """Mend what a crash has left in the folder of `archive`, and begin the first file.

    Parameters
    ----------
    archive, log, run, worker
        As for `ocsd.aggregator.recording.recorder.Recorder`.
    now : Moment
        The present.
    holes_feed : str
        Address of the recorder's own feed of holes.

    Raises
    ------
    DataFolderError
        If there can be no file, or another recorder is at work in the folder. Then
        nothing is held, and whoever tries again and again leaves nothing behind.
    """
    folder = archive.folder
    try:
        with contextlib.ExitStack() as undo:
            lock = Lock(folder)
            undo.callback(lock.release)
            recovery = Recovery(folder, holes_feed, now.at, log)
            ledger = recovery.ledger
            writer = JournalWriter(journal_folder(folder), recovery.next_segment)
            filing = Filing(
                archive,
                writer,
                run,
                log,
                lambda provider: ledger.source_of(provider.origin).end(provider),
            )
            try:
                filing.begin()
                for waiting in recovery.waiting():
                    _restore(filing, waiting, now)
            except Exception:
                _abandon(archive, writer, filing.has_filed)
                raise
            undo.pop_all()
    except OSError as error:
        raise folder_trouble(folder, error) from error
    upkeep = Upkeep(archive, writer, worker, log)
    return Opened(lock, ledger, Introductions(ledger), writer, filing, upkeep, recovery.cause)


def _restore(filing: Filing, waiting: Waiting, now: Instant) -> None:
    """Have samples of an earlier life wait for a frame again."""
    source = waiting.source
    for packed in waiting.blocks:
        layout = packed.layout
        provider, block = source.room_for(
            layout.block_name,
            layout.kinds,
            lambda: filing.new_provider(layout.origin, now, source.numbering),  # noqa: B023 # called now
        )
        filing.take(
            provider, block, packed, number=waiting.number, segment=waiting.segment, now=now
        )
        filing.write_early(provider, source.providers, now)


def _abandon(archive: Archive, writer: JournalWriter, has_filed: bool) -> None:
    """Close all files, and remove those that hold nothing but how they begin."""
    archive.close()
    descriptors = archive.take_unsynced()
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    writer.close()
    # A segment must outlive its G3 file: it alone tells how far that file is good.
    if has_filed or len(descriptors) > 1:
        return
    with contextlib.suppress(OSError):
        if archive.path is not None:
            archive.path.unlink(missing_ok=True)
        writer.path.unlink(missing_ok=True)
