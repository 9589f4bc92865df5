"""A source: one feed in one life of its agent, with its numbering and its providers."""

from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ocsd.aggregator.frames.provider import BlockBuffer, Provider
from ocsd.aggregator.incoming.message import CheckedBlock, RefusedError
from ocsd.aggregator.numbers.numbering import Numbering
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.journal.layout import Layout, PackedBlock
from ocsd.journal.origin import Origin

# A provider that is replaced after a shorter life stays beside its successor: an
# agent that sends two sets of fields in turn gets two providers, not one for
# every message.
SHORT_LIFE_S: Final = 10.0
MOST_PROVIDERS: Final = 8

Fitting: TypeAlias = tuple[Provider, BlockBuffer, bytes]
"""A packed block, and where it goes."""


@dataclass(slots=True, eq=False)
class Source:
    """One feed in one life of its agent."""

    key: SourceKey
    numbered: bool
    """Whether the agent numbers the messages; else the recorder does."""
    sender: str
    """Address of the agent."""
    numbering: Numbering
    """The numbers that came in."""
    providers: list[Provider] = field(default_factory=list)
    """Usually one; more only while fields or types change."""
    received_at: float = 0.0
    """Unix time of the last message [s]."""
    _empty: PackedBlock | None = None

    def fit(self, block: CheckedBlock) -> Fitting | None:
        """Pack a block for the first provider that it fits; None if it fits none.

        Raises
        ------
        RefusedError
            If no provider at all can take it.
        """
        for provider in self.providers:
            fitting = provider.fit(block)
            if fitting is not None:
                return provider, *fitting
        return None

    def begin(self, fresh: Provider, block: CheckedBlock) -> Fitting:
        """Pack a block that fits none of the providers for a new one, and add that.

        Raises
        ------
        RefusedError
            If no provider can take it; then the new one is not added.
        """
        fitting = fresh.fit(block)
        if fitting is None:
            raise RefusedError(f"block {block.block_name!r} fits no provider")
        self._add(fresh)
        return fresh, *fitting

    def room_for(self, layout: Layout) -> tuple[Provider, BlockBuffer] | None:
        """Return the place for packed blocks of this layout; None if no provider has one."""
        for provider in self.providers:
            buffer = provider.room_for(layout.block_name, layout.kinds, layout.tags)
            if buffer is not None:
                return provider, buffer
        return None

    def make_room(self, fresh: Provider, layout: Layout) -> tuple[Provider, BlockBuffer]:
        """Return the place for packed blocks of this layout in a new provider, which is added."""
        buffer = fresh.room_for(layout.block_name, layout.kinds, layout.tags)
        if buffer is None:
            raise ValueError("a new provider has room for anything")
        self._add(fresh)
        return fresh, buffer

    def empty_block(self, origin: Origin) -> PackedBlock:
        """Return the block that stands in the journal for a message without a good one."""
        if self._empty is None:
            self._empty = PackedBlock(Layout(origin, "", {}), 0, b"")
        return self._empty

    def end(self, provider: Provider) -> None:
        """Forget a provider."""
        self.providers.remove(provider)

    def _add(self, fresh: Provider) -> None:
        """Add a provider, and retire the old ones unless they have just begun."""
        for old in self.providers:
            lived_s = fresh.started.mono_s - old.started.mono_s
            if lived_s >= SHORT_LIFE_S or len(self.providers) >= MOST_PROVIDERS:
                old.retired = True
        self.providers.append(fresh)
