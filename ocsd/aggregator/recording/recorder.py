"""From the wire to the file: the one place that knows the order of things.

The data have few names. A *message* is all that a feed publishes at once, with a *feed_info*
that names the sender. It has *blocks*: fields that were sampled at the same times. A *packed
block* is a block as bytes, laid out by a `Layout`. Packed blocks wait in the *buffer* of a
*provider*, one feed in one life of its agent, until they become one *frame* of a G3 *file*.
A *source* is a feed in one life of its agent; its messages share one *numbering*. A *hole* is
a range of numbers that no agent can deliver any more.

**The path.** A message comes from the spool of an agent of this host (`ocsd.aggregator.local`), or
`agent` takes it off the bus (reactor thread) and puts it as an `Arrival` into the `Intake`.
Everything else happens in the recording thread, for messages that wait together if they are as
usual (`batch`):

1. Its source is found (`Introductions`). A number that has been seen is a duplicate: ignored.
2. Its blocks are checked and packed. A bad block goes to quarantine, the others go on.
3. The packed blocks are written to the *journal*, all in one record.
4. Its number is added to the numbering, in memory. Only now the message counts as recorded.
5. The packed blocks wait in memory. A provider's frame is due when its oldest block has
   waited `frame_length`, when memory is short, or when the file ends.
6. The frame is appended to the file; then a record in the journal says which numbers of
   which blocks it holds. If that record cannot be written, the frame is cut off again.
7. Every 30 s the files and the journal are synced, the *ledger* (all numberings, holes and
   outages) replaces its file, and segments of the journal of which all is framed are deleted,
   in this order.

**What is safe when.** After step 3 a kill loses nothing: the system has the bytes, and
`disk.recovery` replays them. The journal is synced every second, so a power cut costs at most
the messages of about one second; the agents still have those.

**Exactly once, or a hole.** At any instant the journal says what came in and what of it is in
a frame. Recovery cuts off whatever a file holds beyond the last recorded frame, and lets the
blocks that no recorded frame covers wait again: a message is neither lost between the steps
nor framed twice. A number that is missing is asked for (`fetching`). If the agent cannot
deliver it, or if no frame can be made, a hole is recorded as a message of the aggregator's
own feed ``holes``, by the same seven steps, and enters the ledger after step 4. The hole is
recorded before the data are given up: a kill between the two leaves it on record, and it is
recognised when recovery tries again.

**Pause.** If the journal cannot be written, or if files cannot and too much waits in memory,
the recording pauses: messages are counted and left out. Their numbers are added to the end of
the numbering, so they are missing, not forgotten. `tick` tries the disk every second. When the
pause ends it is recorded as an outage, and the missing numbers are fetched from the agents.

**Catching up.** A message that was fetched or read later takes the same path as a live one, so
it does not matter in which order they arrive, nor how often. A frame never reaches over numbers
that are missing or in another frame (`Numbering.splits`), because readers search times by
bisection.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, assert_never

from ocsd.aggregator.disk import cause as causes
from ocsd.aggregator.disk.archive import G3Files
from ocsd.aggregator.disk.ledger import origin_of_holes
from ocsd.aggregator.disk.upkeep import Worker
from ocsd.aggregator.frames.frames import RecordingRun
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.incoming.spooled import SpooledRun
from ocsd.aggregator.incoming.tally import Log
from ocsd.aggregator.numbers.share import Share
from ocsd.aggregator.numbers.source_key import Pending, SourceKey
from ocsd.aggregator.recording.arrivals import (
    Announced,
    Arrival,
    Received,
    SpoolIndex,
    SpoolPage,
    Unreadable,
)
from ocsd.aggregator.recording.brief import DAY_S, disk_room, holes_since
from ocsd.aggregator.recording.message_path import MessagePath
from ocsd.aggregator.recording.opening import Opened, open_folder
from ocsd.aggregator.recording.pause import Pause
from ocsd.aggregator.recording.refusals import Refusals
from ocsd.aggregator.recording.spooled_path import SpooledPath, parts
from ocsd.aggregator.recording.unframed import Unframed
from ocsd.errors import DataFolderError
from ocsd.journal.format import Alive, Outage
from ocsd.journal.ranges import Ranges

FORGET_EVERY_S: Final = 60.0


class Recorder:
    """Collects the messages of all recorded feeds and writes them as frames.

    All methods belong to one thread. Only `open` and `close` raise. A bad message goes to
    quarantine; a disk error pauses the recording until a `tick` finds the disk well again.

    Attributes
    ----------
    share : Share
        The messages in answers of agents that are recorded here.
    """

    def __init__(self, opened: Opened, log: Log, clock: Callable[[], Instant]) -> None:
        self._archive, self._lock, self._ledger = opened.archive, opened.lock, opened.ledger
        self._introductions, self._writer = opened.introductions, opened.writer
        self._filing, self._upkeep = opened.filing, opened.upkeep
        self._holes_origin = opened.holes_origin
        self._clock = clock
        self.share = Share()
        self._forgot_s = 0.0
        self._pause = Pause(opened.archive.folder, log)
        self._refusals = Refusals(opened.archive.folder, log)
        self._path = MessagePath(opened, self._pause, self._refusals, log, clock)
        self._spooled = SpooledPath(opened.introductions, self._path)
        if self._ledger.alive_at is not None:
            self._record_outage(Outage(self._ledger.alive_at, clock().at, opened.cause))

    @classmethod
    def open(
        cls,
        archive: G3Files,
        log: Log,
        run: RecordingRun,
        clock: Callable[[], Instant],
        address: str = "observatory.aggregator",
        worker: Worker | None = None,
    ) -> "Recorder":
        """Mend the leftovers of a crash, begin the first file, and return a recorder at work.

        The folder of `archive` also gets the journal and the ledger. The feed ``holes`` of
        `address`, the aggregator, lists lost messages. `worker` waits for the disk.

        Raises
        ------
        DataFolderError
            If no file can be made, or another recorder is at work in the folder.
        """
        origin = origin_of_holes(address, repr(run.started_at))
        opened = open_folder(archive, log, run, worker or Worker(), now=clock(), origin=origin)
        return cls(opened, log, clock)

    @property
    def trouble(self) -> str | None:
        """The trouble with the disk, its consequence and the remedy; None if there is none."""
        filing = self._filing.trouble
        waits = filing and f"recording goes on in the journal, the files wait: {filing}"
        return self._pause.trouble or waits or self._upkeep.trouble

    @property
    def held_up(self) -> bool:
        """True while files cannot be written, or nothing at all."""
        return bool(self._pause.reason or self._filing.trouble)

    @property
    def paused(self) -> bool:
        """True while nothing is taken."""
        return self._pause.reason is not None

    def record(self, arrival: Arrival) -> None:
        """Take whatever reached the recording thread."""
        self._survive(lambda: self._record(arrival))

    def accept(self, message: object, feed_info: Mapping[str, Any]) -> None:
        """Take one message of a recorded feed, live or fetched from a spool."""
        self._path.accept(message, feed_info)

    def accept_all(self, pairs: Sequence[tuple[object, Mapping[str, Any]]]) -> None:
        """Take several messages of recorded feeds at once: that costs less than one by one."""
        self._survive(lambda: self._path.accept_all(pairs))

    def record_spooled(self, agent: str, key: SourceKey, run: SpooledRun) -> int:
        """Take messages from the spool of an agent; return how many could be decoded."""
        count = 0
        for begin, end in parts(run):
            part = run.part(begin, end)
            if self.share.has(run.info) and self._accepts(part):
                count += len(part.numbers)
                continue
            pairs = tuple(part.pairs())
            self.record(SpoolPage(agent, key, pairs, (), part.numbers[-1] + 1))
            self._spooled.learn(part)
            count += len(pairs)
        return count

    def tick(self) -> None:
        """Write everything that is due; call it about once a second."""
        self._survive(self._tick)

    def pending(self) -> Mapping[SourceKey, Pending]:
        """Return which numbers of every numbered source came in and which are missing."""
        return self._ledger.pending()

    def wants(self, key: SourceKey) -> bool:
        """Return whether messages of a numbered source are to be recorded, if it exists.

        A session that the ledger has forgotten must not be recorded again.
        """
        if (key, True) in self._ledger.sources:
            return True
        return self._ledger.is_new(key, self._clock().at)

    def seen(self, key: SourceKey) -> Ranges:
        """Return the numbers of a numbered source that came in; empty if it is unknown."""
        source = self._ledger.sources.get((key, True))
        return Ranges() if source is None else source.numbering.seen

    def close(self) -> None:
        """Write everything that waits and end the file.

        Raises
        ------
        DataFolderError
            If that is impossible; blocks that are in no frame stay in the journal.
        """
        now = self._clock()
        for _ in range(2):  # a frame that is given up leaves holes, which are written as well
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
        """Return session.data: the keys of OCS, and our additions."""
        now = self._clock()
        path = self._archive.path
        # Under its address the life of an agent that was heard last, not an earlier one of which
        # messages were fetched meanwhile.
        providers = sorted(self._filing.providers.values(), key=lambda each: each.refreshed.mono_s)
        return {
            "current_file": path and str(path),
            "providers": {each.origin.address: each.encoded(now) for each in providers},
            "messages": self._path.messages,
            "samples": self._path.samples,
            "buffered_bytes": self._filing.buffered_bytes,
            **self._ledger.encoded(),
            **self._refusals.encoded(),
            "retyped": dict(self._filing.retyped.counts),
            "retyped_because": dict(self._filing.retyped.reasons),
            "dropped": dict(self._pause.dropped.counts),
            "left_out": dict(self._pause.left_out.counts),
            "trouble": self.trouble,
            "paused": bool(self._pause.reason),
            "lost_last_day": holes_since(self._ledger.holes, now.at - DAY_S),
            "disk": disk_room(self._archive.folder),
        }

    def _accepts(self, part: SpooledRun) -> bool:
        taken: list[bool] = []
        self._survive(lambda: taken.append(self._spooled.accept(part)))
        return any(taken)

    def _survive(self, action: Callable[[], None]) -> None:
        """Do something; a defect of ours must not end the recording, and is put on record."""
        try:
            action()
        except Exception as error:  # noqa: BLE001 # whatever it is
            self._path.refuse(None, None, f"defect of ocsd: {error!r}")

    def _record(self, arrival: Arrival) -> None:
        match arrival:
            case Received():
                self._path.accept(arrival.message, arrival.feed_info)
            case Announced():
                for key, number in arrival.next_numbers.items():
                    self._path.announce(key, arrival.sender, number)
            case SpoolPage():
                self._record_page(arrival)
            case SpoolIndex():
                self._record_index(arrival)
            case Outage():
                self._record_outage(arrival)
            case Unreadable(message, info):
                reason = f"its feed_info is a {type(info).__name__}, not a map"
                self._path.refuse(message, info, reason)
            case _:
                assert_never(arrival)

    def _record_index(self, index: SpoolIndex) -> None:
        for key, held in index.held.items():
            if self.wants(key):
                for first, end in self.share.others(held.recorders, held.end):
                    self._path.leave(key, index.agent, first, end)
                self._path.announce(key, index.agent, self.share.end(held.recorders, held.end))

    def _record_page(self, page: SpoolPage) -> None:
        came = Ranges()
        ours = [pair for pair in page.messages if self.share.has(pair[1])]
        if len(ours) < len(page.messages):
            self._leave_others(page)
        self._path.accept_all([pair for pair in ours if pair[1].get("record")])
        for _, feed_info in ours:
            came.add(feed_info["seq"], feed_info["seq"] + 1)
        now = self._clock()
        for lost in page.lost:
            outages = self._ledger.outages_of(page.key, lost.first, lost.last, now.at)
            self._path.lose(page.key, lost.first, lost.last + 1, causes.cause(outages, lost.why))
        for first, end in came:
            # A number that is still missing now would be refused again.
            self._path.lose(page.key, first, end, causes.SET_ASIDE)

    def _leave_others(self, page: SpoolPage) -> None:
        """Note the messages that other aggregators record: none of them is waited for."""
        for _, feed_info in page.messages:
            if not self.share.has(feed_info):
                number = feed_info["seq"]
                self._path.leave(page.key, page.agent, number, number + 1)

    def _record_outage(self, outage: Outage) -> None:
        self._ledger.add_outage(outage)
        try:
            self._writer.event(outage)
        except OSError as error:
            self._pause.begin(self._clock(), error)

    def _tick(self) -> None:
        now = self._clock()
        self._probe_disk(now)
        if not self._pause.disk_refuses:
            self._filing.tick(now)
            self._give_up_unframed()
        if now.mono_s - self._forgot_s >= FORGET_EVERY_S:
            self._forgot_s = now.mono_s
            self._ledger.forget_old(now)
            self._introductions.forget()
        self._upkeep.tick(
            now.mono_s, lambda: self._ledger.snapshot(now.at), self._filing.oldest_segment
        )

    def _probe_disk(self, now: Instant) -> None:
        """Write a sign of life to the journal, and resume if that ends a pause."""
        self._pause.check_backlog(self._filing, now)
        if self._pause.disk_refuses and not self._pause.has_room():
            return
        try:
            self._writer.event(Alive(now.at))
        except OSError as error:
            self._pause.begin(now, error)
            return
        ended = self._pause.end(self._filing, now)
        if ended is not None:
            began_at, reason = ended
            self._record_outage(Outage(began_at, now.at, f"recording paused: {reason}"))

    def _give_up_unframed(self) -> None:
        """Record blocks as lost of which no frame could be made; retry those that have to wait."""
        waiting = self._filing.unframed
        while waiting and self._record_unframed(waiting[0]) and self._filing.give_up(waiting[0]):
            gone = waiting.popleft()
            reason = f"defect of ocsd, a frame is lost: {gone.error!r}"
            self._refusals.count(gone.origin.address, reason)

    def _record_unframed(self, unframed: Unframed) -> bool:
        """Record the holes that are not on record yet; False if that has to wait."""
        origin = unframed.origin
        # A hole in the holes would be spoilt in the same way, and so on.
        if origin.address == self._holes_origin.address:
            return True
        holes = unframed.holes(self._ledger.source_of(origin).numbering.void)
        if not origin.numbered:
            holes = [hole for hole in holes if hole not in self._ledger.holes]
        return all(map(self._path.record_hole, holes))
