"""A source: one feed in one life of its agent, with its numbering and its providers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Final, TypeAlias

from ocsd.aggregator.frames.provider import MOST_BLOCKS, BlockBuffer, Provider
from ocsd.aggregator.incoming.columns import Kind
from ocsd.aggregator.incoming.layout import Layout, PackedBlock
from ocsd.aggregator.incoming.message import CheckedBlock, Origin, RefusedError
from ocsd.aggregator.numbers.numbering import Numbering
from ocsd.aggregator.numbers.source_key import SourceKey

# A provider that is replaced after a shorter life stays beside its successor: an
# agent that sends two sets of fields in turn gets two providers, not one for
# every message.
SHORT_LIFE_S: Final = 10.0
MOST_PROVIDERS: Final = 8

Fitting: TypeAlias = tuple[Provider, BlockBuffer, bytes]
"""A packed block, and where it goes."""

_NO_KINDS: Final[Mapping[str, Kind]] = {}


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
    _kinds: dict[str, Mapping[str, Kind]] = field(default_factory=dict)

    def fit(self, block: CheckedBlock) -> Fitting | None:
        """Pack a block for the first provider that it fits; None if it fits none.

        Raises
        ------
        RefusedError
            If no provider at all can take it.
        """
        earlier = self._kinds.get(block.block_name, _NO_KINDS)
        for provider in self.providers:
            fitting = provider.fit(block, earlier)
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
        self._remember(self.providers)
        fitting = fresh.fit(block, self._kinds.get(block.block_name, _NO_KINDS))
        if fitting is None:
            raise RefusedError(f"block {block.block_name!r} fits no provider")
        self._add(fresh)
        return fresh, *fitting

    def room_for(self, layout: Layout) -> tuple[Provider, BlockBuffer] | None:
        """Return the place for packed blocks of this layout; None if no provider has one."""
        earlier = self._kinds.get(layout.block_name, _NO_KINDS)
        for provider in self.providers:
            buffer = provider.room_for(layout.block_name, layout.kinds, earlier)
            if buffer is not None:
                return provider, buffer
        return None

    def make_room(self, fresh: Provider, layout: Layout) -> tuple[Provider, BlockBuffer]:
        """Return the place for packed blocks of this layout in a new provider, which is added."""
        self._remember(self.providers)
        earlier = self._kinds.get(layout.block_name, _NO_KINDS)
        buffer = fresh.room_for(layout.block_name, layout.kinds, earlier)
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
        """Forget a provider, but not the types of its fields."""
        self._remember([provider])
        self.providers.remove(provider)

    def _add(self, fresh: Provider) -> None:
        """Add a provider, and retire the old ones unless they have just begun.

        Fields keep the type that they were once widened to, because readers take a
        field's type from the first file that they meet.
        """
        for old in self.providers:
            lived_s = fresh.started.mono_s - old.started.mono_s
            if lived_s >= SHORT_LIFE_S or len(self.providers) >= MOST_PROVIDERS:
                old.retired = True
        self.providers.append(fresh)

    def _remember(self, providers: Iterable[Provider]) -> None:
        for name, buffer in chain.from_iterable(each.blocks.items() for each in providers):
            self._kinds.pop(name, None)  # The latest name is the last to be forgotten.
            self._kinds[name] = dict(buffer.layout.kinds)
        surplus = len(self._kinds) - MOST_BLOCKS
        for name in list(islice(self._kinds, max(surplus, 0))):
            del self._kinds[name]
