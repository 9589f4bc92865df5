"""Packed blocks of which no frame could be made, and the holes that they leave."""

from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

from ocsd import journal
from ocsd.aggregator.frames.provider import FrameBlock, Provider
from ocsd.aggregator.numbers.hole import Hole, make_hole
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.journal.origin import Origin
from ocsd.journal.ranges import Ranges


class Unframed(NamedTuple):
    """Packed blocks for one frame that could not be made."""

    origin: Origin
    """The sender."""
    covers: tuple[journal.Cover, ...]
    """The numbers of their messages."""
    oldest_segment: int | None
    """The segment of the journal with the first of them."""
    from_time: float
    until_time: float
    """Unix times of the first and the last sample [s]."""
    error: Exception
    """The reason."""

    def holes(self, void: Ranges) -> list[Hole]:
        """Return the holes, without the numbers in `void`: their loss is on record."""
        key = SourceKey(self.origin.address, self.origin.session_id)
        cause = f"a defect of ocsd, no frame could be made of them: {self.error!r}"
        times = self.from_time, self.until_time
        if not self.origin.numbered:
            return [make_hole(key, 0, 0, *times, cause)]
        numbers = Ranges()
        for cover in self.covers:
            for first, end in cover.numbers:
                numbers.add(first, end)
        lost = chain.from_iterable(void.missing(*bounds) for bounds in numbers)
        return [make_hole(key, first, end, *times, cause) for first, end in lost]


def unframed(provider: Provider, blocks: Mapping[str, FrameBlock], error: Exception) -> Unframed:
    """Return the blocks of a provider of which no frame could be made."""
    times = list(chain.from_iterable(block.times for block in blocks.values()))
    return Unframed(
        origin=provider.origin,
        covers=covers_of(provider, blocks),
        oldest_segment=provider.oldest_segment,
        from_time=min(times),
        until_time=max(times),
        error=error,
    )


def covers_of(provider: Provider, blocks: Mapping[str, FrameBlock]) -> tuple[journal.Cover, ...]:
    """Return the numbers that a frame of these blocks covers."""
    return tuple(
        journal.Cover(journal.block_key(provider.origin, name), block.numbers)
        for name, block in blocks.items()
    )
