"""Opens a data folder: all parts of a recording together, or nothing held and nothing left."""

import contextlib
import os
from dataclasses import dataclass

from ocsd.aggregator.disk.archive import G3Files, folder_trouble
from ocsd.aggregator.disk.journal_writer import SEGMENT_BYTES, JournalWriter
from ocsd.aggregator.disk.ledger import Ledger
from ocsd.aggregator.disk.lock import Lock
from ocsd.aggregator.disk.recovery import Recovery, Waiting
from ocsd.aggregator.disk.upkeep import Upkeep, Worker
from ocsd.aggregator.frames import frames
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.incoming.tally import Log
from ocsd.aggregator.recording.frame_writing import Filing
from ocsd.aggregator.recording.introductions import Introductions
from ocsd.journal.origin import Origin
from ocsd.journal.segments import journal_folder


@dataclass(frozen=True, slots=True)
class Opened:
    """The parts of a recording at work."""

    archive: G3Files
    lock: Lock
    ledger: Ledger
    introductions: Introductions
    writer: JournalWriter
    filing: Filing
    upkeep: Upkeep
    cause: str
    """Why nothing was recorded before."""
    holes_origin: Origin
    """The sender of holes: the recorder itself."""


def open_folder(
    archive: G3Files,
    log: Log,
    run: frames.RecordingRun,
    worker: Worker,
    *,
    now: Instant,
    origin: Origin,
    segment_bytes: int = SEGMENT_BYTES,
) -> Opened:
    """Mend what a crash has left in the folder of `archive`, and begin the first file.

    `origin` is the sender of holes, `segment_bytes` the length of a segment of the journal;
    the others are as for `ocsd.aggregator.recording.recorder.Recorder.open`.

    Raises
    ------
    DataFolderError
        If no file can be made, or another recorder is at work in the folder. Then
        nothing is held, and repeated attempts leave nothing behind.
    """
    folder = archive.folder
    try:
        with contextlib.ExitStack() as undo:
            lock = Lock(folder)
            undo.callback(lock.release)
            recovery = Recovery(folder, origin.address, now.at, log)
            ledger = recovery.ledger
            writer = JournalWriter(journal_folder(folder), recovery.next_segment, segment_bytes)
            filing = Filing(
                archive,
                writer,
                run,
                log,
                ledger.kinds,
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
        if why := frames.why_slow():
            log.warn("{why}", why=why)
    except OSError as error:
        raise folder_trouble(folder, error) from error
    return Opened(
        archive=archive,
        lock=lock,
        ledger=ledger,
        introductions=Introductions(ledger),
        writer=writer,
        filing=filing,
        upkeep=Upkeep(archive, writer, worker, log),
        cause=recovery.cause,
        holes_origin=origin,
    )


def _restore(filing: Filing, waiting: Waiting, now: Instant) -> None:
    """Make packed blocks of an earlier run wait for a frame again."""
    source = waiting.source
    for packed in waiting.blocks:
        layout = packed.layout
        room = source.room_for(layout)
        if room is None:
            fresh = filing.new_provider(layout.origin, now, source.numbering)
            room = source.make_room(fresh, layout)
        filing.take(*room, packed, number=waiting.number, segment=waiting.segment, now=now)
        provider, _ = room
        filing.write_early(provider, source.providers, now)


def _abandon(archive: G3Files, writer: JournalWriter, has_filed: bool) -> None:
    """Close all files, and remove those that hold nothing but their first frames."""
    archive.close()
    descriptors = archive.take_unsynced()
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    writer.close()
    # A segment must outlive its G3 file: only it says how far that file is good.
    if has_filed or len(descriptors) > 1:
        return
    with contextlib.suppress(OSError):
        if archive.path is not None:
            archive.path.unlink(missing_ok=True)
        writer.path.unlink(missing_ok=True)
