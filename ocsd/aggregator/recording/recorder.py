"""From messages to files: the one place that knows the order of things.

A message is written to the journal, then its number is noted, then it waits for its
frame. A frame is written to its file, then noted in the journal. So at any instant
the journal tells what has come in, and what of it is in a frame.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from ocsd.aggregator.disk import journal
from ocsd.aggregator.disk.archive import Archive
from ocsd.aggregator.disk.ledger import origin_of_holes
from ocsd.aggregator.disk.upkeep import Thread, Worker
from ocsd.aggregator.frames import frames
from ocsd.aggregator.frames.provider import BlockBuffer, Provider
from ocsd.aggregator.frames.source import Source
from ocsd.aggregator.incoming.layout import PackedBlock
from ocsd.aggregator.incoming.message import (
    MOST_NUMBER,
    Origin,
    RefusedError,
    is_recorded,
    read_blocks,
    read_number,
    sender_of,
)
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.incoming.quarantine import Quarantine
from ocsd.aggregator.incoming.tally import Log, Tally
from ocsd.aggregator.numbers.hole import Hole, estimate
from ocsd.aggregator.numbers.source_key import Pending, SourceKey
from ocsd.aggregator.recording.filing import Unframed
from ocsd.aggregator.recording.opening import open_folder
from ocsd.aggregator.recording.pause import Pause
from ocsd.errors import DataFolderError

FORGET_EVERY_S: Final = 60.0

Placed: TypeAlias = tuple[Provider, BlockBuffer, PackedBlock]


class Recorder:
    """Collect the messages of all recorded feeds and write them as frames.

    All methods belong to one thread. None but `start` and `close` raises because
    of what came in or because the disk refuses: the one is refused and kept in
    quarantine, the other pauses the recording until a `tick` finds it well again.

    Parameters
    ----------
    archive : Archive
        Where frames go; its folder also gets the journal and the ledger.
    log : Log
        Where to say what operators should know.
    run : Run
        Identity of this recording in the files.
    clock : callable
        Returns the present.
    address : str
        Address of the aggregator, whose feed ``holes`` tells what is lost.
    worker : Worker, optional
        Who waits for the disk; a thread by default.
    """

    def __init__(
        self,
        archive: Archive,
        log: Log,
        run: frames.RecordingRun,
        clock: Callable[[], Instant],
        address: str = "observatory.aggregator",
        worker: Worker | None = None,
    ) -> None:
        self._archive = archive
        self._log = log
        self._run = run
        self._clock = clock
        self._worker = worker or Thread()
        self._holes_origin = origin_of_holes(address, repr(run.started_at))
        self._messages = 0
        self._samples = 0
        self._forgot_s = 0.0
        self._pause = Pause(archive.folder, log)
        self._refused = Tally(log, "set aside")
        self._not_kept = Tally(log, "refused and not even kept")
        self._quarantine = Quarantine(archive.folder / "ocsd" / "quarantine")

    def start(self) -> None:
        """Mend what a crash has left, and begin the first file.

        Raises
        ------
        DataFolderError
            If there can be no file, or another recorder is at work in the folder.
        """
        now = self._clock()
        opened = open_folder(
            self._archive,
            self._log,
            self._run,
            self._worker,
            now=now,
            holes_feed=self._holes_origin.address,
        )
        self._lock, self._ledger, self._writer = opened.lock, opened.ledger, opened.writer
        self._introductions, self._filing = opened.introductions, opened.filing
        self._upkeep = opened.upkeep
        alive_at = self._ledger.alive_at
        if alive_at is not None:
            self.outage(alive_at, now.at, opened.cause)

    @property
    def trouble(self) -> str | None:
        """What is wrong with the disk, what follows, and what to do."""
        filing = self._filing.trouble
        waits = filing and f"recording goes on in the journal, the files wait: {filing}"
        return self._pause.trouble or waits or self._upkeep.trouble

    @property
    def held_up(self) -> bool:
        """Whether files cannot be written just now, or nothing at all."""
        return bool(self._pause.reason or self._filing.trouble)

    def accept(self, message: object, feed_info: object) -> None:
        """Take one message, live or fetched from a spool."""
        if not is_recorded(feed_info):
            return
        try:
            if not isinstance(feed_info, dict | Mapping):
                raise RefusedError(f"its feed_info is a {type(feed_info).__name__}, not a map")
            origin, source = self._introductions.of(feed_info)
            if source is not None:
                number = read_number(feed_info)
                self._take(message, feed_info, origin, source, number, self._clock())
        except RefusedError as refused:
            self.refuse(message, feed_info, str(refused))
        except Exception as error:  # noqa: BLE001 # a defect of ours must not end the recording
            self.refuse(message, feed_info, f"defect of ocsd: {error!r}")

    def tick(self) -> None:
        """Write what is due; call it about once a second."""
        now = self._clock()
        self._probe_disk(now)
        if not self._pause.disk_refuses:
            self._filing.tick(now)
            self._give_up_unframed()
        if now.mono_s - self._forgot_s >= FORGET_EVERY_S:
            self._forgot_s = now.mono_s
            self._ledger.forget_old(now.at)
            self._introductions.forget()
        self._upkeep.tick(
            now.mono_s, lambda: self._ledger.snapshot(now.at), self._filing.oldest_segment
        )

    def pending(self) -> Mapping[SourceKey, Pending]:
        """Return what came in and what is missing of every numbered source."""
        return self._ledger.pending()

    def is_new(self, key: SourceKey) -> bool:
        """Tell whether a source that is not in `pending` has never been recorded."""
        return self._ledger.is_new(key, self._clock().at)

    def announce(self, key: SourceKey, sender: str, next_number: int) -> None:
        """Note that a source has published all numbers below `next_number`."""
        if type(next_number) is int and 0 <= next_number <= MOST_NUMBER:
            source = self._ledger.source(key, True, sender)
            source.sender = sender
            source.received_at = source.received_at or self._clock().at
            source.numbering.announce(next_number)

    def lost(self, key: SourceKey, first: int, last: int, cause: str) -> None:
        """Record that nobody can give the numbers from `first` to `last`.

        Only what is missing of them becomes a hole. While the recording pauses
        nothing happens: it stays missing, and can be given up later.
        """
        source = self._ledger.sources.get((key, True))
        if source is None:
            return
        for begin, end in source.numbering.missing():
            if begin <= last and end > first:
                self._lose(source, max(begin, first), min(end, last + 1), cause)

    def outages_of(self, key: SourceKey, first: int, last: int) -> list[journal.Outage]:
        """Return the outages in which these numbers may have been missed."""
        return self._ledger.outages_of(key, first, last, self._clock().at)

    def outage(self, began_at: float, ended_at: float, cause: str) -> None:
        """Record that nothing could come in for a while [Unix s]."""
        outage = journal.Outage(began_at, ended_at, cause)
        self._ledger.add_outage(outage)
        try:
            self._writer.outage(outage)
        except OSError as error:
            self._pause.begin(self._clock(), error)

    def refuse(self, message: object, feed_info: object, reason: str) -> None:
        """Put a message in quarantine."""
        sender = sender_of(feed_info)
        self._refused.add(sender, reason)
        try:
            self._quarantine.add(self._clock().at, sender, message, feed_info, reason)
        except OSError as error:
            self._not_kept.add(sender, error.strerror or str(error))

    def close(self) -> None:
        """Write everything that waits and end the file.

        Raises
        ------
        DataFolderError
            If that is impossible; what is in no frame stays in the journal.
        """
        now = self._clock()
        for _ in range(2):  # what is given up leaves holes, which are written as well
            self._filing.write_all(now)
            self._give_up_unframed()
        self._filing.close(now)
        self._upkeep.close(self._ledger.snapshot(now.at), self._filing.oldest_segment())
        self._lock.release()
        if self._filing.buffered_bytes:
            raise DataFolderError(
                f"{self._pause.reason or self._filing.trouble} (about "
                f"{self._filing.buffered_bytes} bytes of samples wait in the journal for the "
                "next start)"
            )

    def encoded(self) -> dict[str, Any]:
        """Return session.data: what OCS shows there, and our additions."""
        now = self._clock()
        path = self._archive.path
        providers = self._filing.providers.values()
        return {
            "current_file": None if path is None else str(path),
            "providers": {each.origin.address: each.encoded(now) for each in providers},
            "messages": self._messages,
            "samples": self._samples,
            "buffered_bytes": self._filing.buffered_bytes,
            **self._ledger.encoded(),
            "refused": dict(self._refused.counts),
            "refused_because": dict(self._refused.reasons),
            "not_kept": dict(self._not_kept.counts),
            "not_kept_because": dict(self._not_kept.reasons),
            "dropped": dict(self._pause.dropped.counts),
            "left_out": dict(self._pause.left_out.counts),
            "trouble": self.trouble,
        }

    def _take(
        self,
        message: object,
        feed_info: object,
        origin: Origin,
        source: Source,
        number: int | None,
        now: Instant,
    ) -> bool:
        """Record a message; False if it was there before, or has to wait."""
        numbering = source.numbering
        if number is None:
            number = numbering.end
        elif number in numbering.seen:
            numbering.duplicates += 1
            return False
        if self._pause.reason is not None:
            self._leave_out(source, number)
            return False
        at, placed = self._place(message, feed_info, source, origin, now)
        blocks = [packed for _, _, packed in placed] or [
            PackedBlock(source.nothing_layout(origin), 0, b"")
        ]
        try:
            segment = self._writer.data(number, now.at, blocks)
        except OSError as error:
            self._pause.begin(now, error)
            self._leave_out(source, number)
            return False
        self._note(source, number, now.at if at is None else at, now)
        if not placed:
            numbering.framed.add(number, number + 1)
        for provider, block, packed in placed:
            self._samples += packed.length
            self._filing.take(provider, block, packed, number=number, segment=segment, now=now)
        for provider, _, _ in placed:
            self._filing.write_early(provider, source.providers, now)
        return True

    def _place(
        self, message: object, feed_info: object, source: Source, origin: Origin, now: Instant
    ) -> tuple[float | None, list[Placed]]:
        """Pack the good blocks of a message, refuse the others; nothing is taken yet.

        Returns
        -------
        float or None
            Unix time of the last sample of the first good block [s].
        list of Placed
            The blocks.
        """
        at: float | None = None
        placed: list[Placed] = []
        for samples in read_blocks(message):
            try:
                if isinstance(samples, RefusedError):
                    raise samples
                provider, block, packed = source.fit(
                    samples, lambda: self._filing.new_provider(origin, now, source.numbering)
                )
            except RefusedError as refused:
                self.refuse(message, feed_info, str(refused))
                continue
            at = samples.last_time if at is None else at
            placed.append((provider, block, PackedBlock(block.layout, samples.length, packed)))
        return at, placed

    def _note(self, source: Source, number: int, at: float, now: Instant) -> None:
        """Note that a message is in the journal."""
        self._messages += 1
        source.received_at = now.at
        source.numbering.add(number, at)
        if source.numbering.crowded:
            for begin, end in source.numbering.surplus():
                self._lose(source, begin, end, "too many gaps at a time")
            if self._pause.reason is None:
                source.numbering.forget_surplus()
        if not source.numbered and source.key.address != self._holes_origin.address:
            silence = self._ledger.silence(source.key.address, now.at)
            if silence is not None:
                self._record_hole(estimate(source.key, *silence))

    def _leave_out(self, source: Source, number: int) -> None:
        """Take nothing for now; what has a number can be fetched later."""
        if source.numbered:
            source.numbering.announce(number + 1)
        self._pause.leave_out(source)

    def _lose(self, source: Source, begin: int, end: int, cause: str) -> None:
        self._record_hole(self._ledger.hole(source, begin, end, cause, self._clock().at))

    def _record_hole(self, hole: Hole) -> bool:
        """Write a hole as a message of our own; the ledger learns it if that works."""
        if self._pause.reason is not None:
            return False
        now = self._clock()
        origin = self._holes_origin
        source = self._ledger.source_of(origin)
        if not self._take(hole.message(now.at), None, origin, source, None, now):
            return False
        self._ledger.add_hole(hole)
        self._log.warn(
            "{count} messages of {feed} are lost: {cause}",
            count="some" if hole.estimated else hole.count,
            feed=hole.feed,
            cause=hole.cause,
        )
        return True

    def _probe_disk(self, now: Instant) -> None:
        """Show the disk that we live, and resume if it takes that."""
        self._pause.update(self._filing, now)
        if self._pause.disk_refuses and not self._pause.has_room():
            return
        try:
            self._writer.alive(now.at)
        except OSError as error:
            self._pause.begin(now, error)
            return
        if (ended := self._pause.end(self._filing, now)) is not None:
            began_at, reason = ended
            self.outage(began_at, now.at, f"recording paused: {reason}")

    def _give_up_unframed(self) -> None:
        """Record as lost what no frame could be made of; what has to wait is tried again.

        The hole comes first: a kill between the two leaves it on record, not a loss
        of which nobody knows.
        """
        waiting = self._filing.unframed
        while waiting and self._record_unframed(waiting[0]) and self._filing.give_up(waiting[0]):
            gone = waiting.popleft()
            announce = f"defect of ocsd, a frame is lost: {gone.error!r}"
            self._refused.add(gone.origin.address, announce)

    def _record_unframed(self, unframed: Unframed) -> bool:
        """Record as lost what is not yet on record as such; False if that has to wait."""
        origin = unframed.origin
        # A hole in the holes would be spoilt in the same way, and so on.
        if origin.address == self._holes_origin.address:
            return True
        holes = unframed.holes(self._ledger.source_of(origin).numbering.void)
        known = self._ledger.holes if not origin.numbered else ()
        return all(hole in known or self._record_hole(hole) for hole in holes)
