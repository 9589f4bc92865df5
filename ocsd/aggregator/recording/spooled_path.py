"""Messages of this host's spools that differ from earlier ones in their numbers only.

They are recorded as a batch that is packed without decoding them (`incoming.spooled`). All others
are decoded, and take the path of any message.
"""

from collections.abc import Iterator
from itertools import repeat
from typing import Final
from weakref import WeakKeyDictionary

from ocsd.agent.feeds.times import TIME_UNKNOWN, allowed_times
from ocsd.aggregator.frames.provider import Provider
from ocsd.aggregator.frames.source import Source
from ocsd.aggregator.incoming.message import RefusedError
from ocsd.aggregator.incoming.packing import PackingLayout
from ocsd.aggregator.incoming.spooled import BEGINNING_BYTES, SpooledRun, Template, block_name
from ocsd.aggregator.recording.batch import (
    MOST_BATCH_BYTES,
    MOST_IN_BATCH,
    Batch,
    Lot,
    Pool,
    packed_block,
)
from ocsd.aggregator.recording.introductions import Introductions
from ocsd.aggregator.recording.message_path import MessagePath

LEAST_BYTES: Final = 3000
"""Size of messages from which on this takes less time than decoding them [bytes]."""

MOST_TEMPLATES: Final = 8
"""Sizes of messages that are remembered for one layout."""

RARELY: Final = 64
"""One in so many runs is learnt from where sizes differ all the time: learning costs more."""

Group = tuple[list[int], list[bytes]]
"""Numbers and bodies of the messages of one block and one size."""


def parts(run: SpooledRun) -> Iterator[tuple[int, int]]:
    """Yield the places at which to divide messages, so that each part is one write."""
    if len(run.bodies) <= MOST_IN_BATCH and sum(map(len, run.bodies)) <= MOST_BATCH_BYTES:
        yield 0, len(run.bodies)
        return
    begin = size_bytes = 0
    for place, body in enumerate(run.bodies):
        size_bytes += len(body)
        if size_bytes >= MOST_BATCH_BYTES or place + 1 - begin >= MOST_IN_BATCH:
            yield begin, place + 1
            begin, size_bytes = place + 1, 0
    if begin < len(run.bodies):
        yield begin, len(run.bodies)


class SpooledPath:
    """Takes such messages; `path` records the batches. All belongs to the recording thread."""

    def __init__(self, introductions: Introductions, path: MessagePath) -> None:
        self._introductions, self._path = introductions, path
        self._templates: WeakKeyDictionary[PackingLayout, dict[int, Template | None]]
        self._templates = WeakKeyDictionary()
        self._too_many = 0

    def accept(self, run: SpooledRun) -> bool:
        """Record messages; False, with nothing changed, if they have to be decoded."""
        if sum(map(len, run.bodies)) < LEAST_BYTES:
            return False
        try:
            batch = self._batch(run)
        except Exception:  # noqa: BLE001 # a defect of ours: decoding shows which message has it
            batch = None
        return batch is not None and self._path.commit(batch)

    def learn(self, run: SpooledRun) -> None:
        """Remember messages that were decoded and recorded, as far as others may be like them."""
        if sum(map(len, run.bodies)) < LEAST_BYTES:
            return
        try:
            source = self._source(run)
            for _, bodies in _groups(run) if source else ():
                buffer = source and source.providers[0].blocks.get(block_name(bodies[0]))
                if buffer:
                    self._learn(buffer.layout, bodies[-1])
        except Exception:  # noqa: BLE001 # nonsense in a spool: it is decoded each time
            return

    def _learn(self, layout: PackingLayout, body: bytes) -> None:
        known = self._templates.setdefault(layout, {})
        if len(body) in known:
            return
        if len(known) >= MOST_TEMPLATES:
            self._too_many += 1
            if self._too_many % RARELY:
                return
            known.clear()
        known[len(body)] = Template.of(body, layout)

    def _source(self, run: SpooledRun) -> Source | None:
        """Return the source of the messages, which has a single provider; None if it is unusual."""
        try:
            _, source = self._introductions.of({**run.info, "seq": run.numbers[0]})
        except RefusedError:
            return None
        if source is None or len(source.providers) != 1 or source.providers[0].retired:
            return None
        return source

    def _batch(self, run: SpooledRun) -> Batch | None:
        source = self._source(run)
        first, count = run.numbers[0], len(run.numbers)
        if source is None or run.numbers != [*range(first, first + count)]:
            return None
        if first != next(reversed(source.numbering.seen.bounds), None):
            return None
        lots = []
        for numbers, bodies in _groups(run):
            lot = self._lot(source.providers[0], numbers, bodies)
            if lot is None:
                return None
            lots.append(lot)
        batch = Batch(self._introductions)
        batch.add_packed(source, lots)
        return batch

    def _lot(self, provider: Provider, numbers: list[int], bodies: list[bytes]) -> Lot | None:
        buffer = provider.blocks.get(block_name(bodies[0]))
        if buffer is None:
            return None
        layout = buffer.layout
        template = self._templates.get(layout, {}).get(len(bodies[0]))
        found = template and template.contents(bodies)
        if not (template and found):
            return None
        contents, times = found
        earliest, latest = allowed_times(TIME_UNKNOWN)
        # No comparison with a NaN holds, and both are NaN if any time is.
        if not (earliest <= times.min() and times.max() <= latest):
            return None
        length = template.length
        blocks = list(map(packed_block, zip(repeat(layout), repeat(length), contents)))
        pool = Pool(layout, length, blocks=blocks)
        return Lot(provider, buffer, pool, numbers, [*range(len(blocks))])


def _groups(run: SpooledRun) -> list[Group]:
    """Return the messages by block and size."""
    if (
        len({*map(len, run.bodies)}) == 1
        and len({body[:BEGINNING_BYTES] for body in run.bodies}) == 1
    ):
        return [(run.numbers, run.bodies)]
    groups: dict[tuple[int, bytes], Group] = {}
    for number, body in zip(run.numbers, run.bodies, strict=True):
        # Without the end of a long name: the template compares all of it.
        numbers, bodies = groups.setdefault((len(body), body[:BEGINNING_BYTES]), ([], []))
        numbers.append(number)
        bodies.append(body)
    return [*groups.values()]
