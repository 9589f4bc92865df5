"""One message from its feed_info to the journal and the buffers (steps 1 to 5 of `recorder`)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from ocsd.agent.feeds.times import TIME_UNKNOWN
from ocsd.aggregator.frames.provider import BlockBuffer, Provider
from ocsd.aggregator.frames.source import Source
from ocsd.aggregator.incoming.message import (
    MOST_NUMBER,
    RefusedError,
    read_blocks,
    read_number,
)
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.incoming.tally import Log
from ocsd.aggregator.numbers.hole import Hole, make_hole
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.aggregator.recording.batch import Batch, Pair, gathered
from ocsd.aggregator.recording.opening import Opened
from ocsd.aggregator.recording.pause import ROOM_FOR_BATCH, Pause
from ocsd.aggregator.recording.refusals import Refusals
from ocsd.journal.layout import PackedBlock
from ocsd.journal.origin import Origin

MOST_ONE_BY_ONE: Final = 32
"""Messages that are taken one by one because one of them is not as usual: others cost less."""

Placed: TypeAlias = tuple[Provider, BlockBuffer, PackedBlock]


class MessagePath:
    """Takes messages, and holes as messages of our own; all its methods belong to one thread.

    Attributes
    ----------
    messages, samples : int
        Number of messages and of samples that were recorded.
    """

    def __init__(
        self,
        parts: Opened,
        pause: Pause,
        refusals: Refusals,
        log: Log,
        clock: Callable[[], Instant],
    ) -> None:
        self.messages = 0
        self.samples = 0
        self._parts = parts
        self._pause = pause
        self._refusals = refusals
        self._log = log
        self._clock = clock

    def refuse(self, message: object, feed_info: object, reason: str) -> None:
        """Put a message in quarantine."""
        self._refusals.keep(self._clock().at, message, feed_info, reason)

    def accept(self, message: object, feed_info: Mapping[str, Any]) -> None:
        """Take one message of a recorded feed, live or fetched from a spool."""
        try:
            origin, source = self._parts.introductions.of(feed_info)
            if source is not None:
                number = read_number(feed_info)
                self._take(message, feed_info, origin, source, number, self._clock())
        except RefusedError as refused:
            self.refuse(message, feed_info, str(refused))
        except Exception as error:  # noqa: BLE001 # a defect of ours must not end the recording
            self.refuse(message, feed_info, f"defect of ocsd: {error!r}")

    def accept_all(self, pairs: Sequence[Pair]) -> None:
        """Take messages of recorded feeds, in order; those that are as usual together."""
        if self._pause.reason is None and len(pairs) > 1:
            gathered(pairs, self._parts.introductions, self._commit, self.accept)
            return
        for message, feed_info in pairs:
            self.accept(message, feed_info)

    def _commit(self, batch: Batch) -> None:
        """Record a batch; if that is not possible together in parts, or one by one."""
        if not self.commit(batch):
            self._take_apart(batch.pairs)

    def commit(self, batch: Batch) -> bool:
        """Record a batch; False, with nothing changed, if that is not possible."""
        now = self._clock()
        segment = self._written(batch, now)
        if segment is None:
            return False
        self.messages += batch.count
        self.samples += batch.samples
        for source, run in batch.runs.items():
            source.received_at = now.at
            source.numbering.add_run(run.first, run.end, now.dated(run.last_time))
        filing = self._parts.filing
        for lot in batch.lots.values():
            filing.take_lot(
                lot.provider, lot.buffer, lot.blocks, numbers=lot.numbers, segment=segment, now=now
            )
        for source in batch.runs:
            filing.write_early(source.providers[0], source.providers, now)
        return True

    def _take_apart(self, pairs: Sequence[Pair]) -> None:
        """Take messages of a batch that was not written, one of which is not as usual."""
        if len(pairs) > MOST_ONE_BY_ONE and self._pause.reason is None:
            for begin in range(0, len(pairs), MOST_ONE_BY_ONE):
                self.accept_all(pairs[begin : begin + MOST_ONE_BY_ONE])
            return
        for message, feed_info in pairs:
            self.accept(message, feed_info)

    def _written(self, batch: Batch, now: Instant) -> int | None:
        """Write a batch to the journal; return its segment, None if it is not written."""
        try:
            if self._pause.reason is not None or not self._pause.has_room(ROOM_FOR_BATCH):
                return None
            if not batch.pack():
                return None
            return self._parts.writer.messages(now.at, batch.entries())
        except OSError as error:
            self._pause.begin(now, error)
        except Exception:  # noqa: BLE001 # a defect of ours: it shows which message has it
            return None
        return None

    def announce(self, key: SourceKey, sender: str, next_number: int) -> None:
        """Record that all numbers below `next_number` of a source exist."""
        if type(next_number) is int and 0 <= next_number <= MOST_NUMBER:
            source = self._parts.ledger.source(key, True, sender)
            source.sender = sender
            source.received_at = source.received_at or self._clock().at
            source.numbering.extend_to(next_number)

    def leave(self, key: SourceKey, sender: str, first: int, end: int) -> None:
        """Record that another aggregator records the numbers from `first` to before `end`."""
        if 0 <= first < end <= MOST_NUMBER:
            self._parts.ledger.source(key, True, sender).numbering.leave(first, end)

    def lose(self, key: SourceKey, first: int, end: int, cause: str) -> None:
        """Record that no agent can deliver the numbers from `first` to before `end`.

        Only missing numbers become a hole. During a pause they stay missing, and can be
        given up later.
        """
        source = self._parts.ledger.sources.get((key, True))
        if source is None:
            return
        for begin, after in source.numbering.missing():
            if begin < end and after > first:
                self._lose_missing(source, max(begin, first), min(after, end), cause)

    def record_hole(self, hole: Hole) -> bool:
        """Write a hole as a message of our own; if that works, add it to the ledger."""
        if self._pause.reason is not None:
            return False
        now = self._clock()
        origin = self._parts.holes_origin
        source = self._parts.ledger.source_of(origin)
        if not self._take(hole.message(now.at), None, origin, source, None, now):
            return False
        self._parts.ledger.add_hole(hole)
        self._log.warn("{loss}", loss=hole.describe())
        return True

    def _take(
        self,
        message: object,
        feed_info: object,
        origin: Origin,
        source: Source,
        number: int | None,
        now: Instant,
    ) -> bool:
        """Record a message; False if it is a duplicate, or has to wait."""
        numbering = source.numbering
        if number is None:
            number = numbering.end
        elif number in numbering.seen:
            numbering.duplicates += 1
            return False
        if self._pause.reason is not None:
            return self._leave_out(source, number)
        at, placed = self._place(message, feed_info, source, origin, now)
        blocks = [packed for _, _, packed in placed] or [source.empty_block(origin)]
        try:
            segment = self._parts.writer.message(number, now.at, blocks)
        except OSError as error:
            self._pause.begin(now, error)
            return self._leave_out(source, number)
        self._register(source, number, at, now)
        if not placed:
            numbering.framed.add(number, number + 1)
        for provider, buffer, packed in placed:
            self.samples += packed.length
            self._parts.filing.take(
                provider, buffer, packed, number=number, segment=segment, now=now
            )
        for provider, _, _ in placed:
            self._parts.filing.write_early(provider, source.providers, now)
        return True

    def _place(
        self, message: object, feed_info: object, source: Source, origin: Origin, now: Instant
    ) -> tuple[float, list[Placed]]:
        """Pack the good blocks of a message, refuse the others; nothing is taken yet.

        The Unix time [s] is that of the last sample of the first good block; of arrival
        without one.
        """
        at = now.at
        placed: list[Placed] = []
        checked_at = now.at
        if source.numbered:
            # Its agent has checked the times, and a message that is refused is not fetched again:
            # a clock that is wrong here must not have any refused.
            checked_at = TIME_UNKNOWN
        for block in read_blocks(message, checked_at):
            try:
                if isinstance(block, RefusedError):
                    raise block
                fitting = source.fit(block)
                if fitting is None:
                    fresh = self._parts.filing.new_provider(origin, now, source.numbering)
                    fitting = source.begin(fresh, block)
            except RefusedError as refused:
                self.refuse(message, feed_info, str(refused))
                continue
            if not placed:
                at = now.dated(block.last_time)
            provider, buffer, content = fitting
            placed.append((provider, buffer, PackedBlock(buffer.layout, block.length, content)))
        return at, placed

    def _register(self, source: Source, number: int, at: float, now: Instant) -> None:
        """Add the number of a message that is in the journal."""
        self.messages += 1
        source.received_at = now.at
        source.numbering.add(number, at)
        if source.numbering.crowded:
            for begin, end in source.numbering.surplus():
                self._lose_missing(source, begin, end, "too many gaps at a time")
            if self._pause.reason is None:
                source.numbering.forget_surplus()
        if not source.numbered and source.key.address != self._parts.holes_origin.address:
            silence = self._parts.ledger.silence_before(source.key.address, now.at)
            if silence is not None:
                self.record_hole(make_hole(source.key, 0, 0, *silence))

    def _leave_out(self, source: Source, number: int) -> bool:
        """Take nothing for now: return False. A message with a number can be fetched later."""
        if source.numbered:
            source.numbering.extend_to(number + 1)
        self._pause.leave_out(source)
        return False

    def _lose_missing(self, source: Source, begin: int, end: int, cause: str) -> None:
        self.record_hole(self._parts.ledger.hole(source, begin, end, cause, self._clock().at))
