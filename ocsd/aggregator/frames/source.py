"""What is remembered about a feed during one run of its agent."""

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Final

from ocsd.aggregator.frames.provider import MOST_BLOCKS, BlockBuffer, Provider
from ocsd.aggregator.incoming.columns import Kind
from ocsd.aggregator.incoming.layout import Layout
from ocsd.aggregator.incoming.message import CheckedBlock, Origin, RefusedError
from ocsd.aggregator.numbers.numbering import Numbering
from ocsd.aggregator.numbers.source_key import SourceKey

# A provider that is replaced after a shorter life stays beside its successor: an
# agent that sends two sets of fields in turn gets two providers, not one for
# every message.
SHORT_LIFE_S: Final = 10.0
MOST_PROVIDERS: Final = 8


class Source:
    """A feed of one agent session: its numbers and its present providers.

    Parameters
    ----------
    key : SourceKey
        Feed and session.
    numbered : bool
        Whether the agent numbers the messages; else the recorder does.
    sender : str
        Address of the agent.
    sequence : Sequence
        Which messages came in.

    Attributes
    ----------
    providers : list of Provider
        Usually one; more only while fields or types change.
    heard_at : float
        Unix time of the last message [s].
    nothing : Layout or None
        Stands in the journal for messages without anything to record.
    """

    def __init__(self, key: SourceKey, numbered: bool, sender: str, numbering: Numbering) -> None:
        self.key = key
        self.numbered = numbered
        self.sender = sender
        self.numbering = numbering
        self.providers: list[Provider] = []
        self.received_at = 0.0
        self.nothing: Layout | None = None
        self._kinds: dict[str, dict[str, Kind]] = {}

    def fit(
        self, samples: CheckedBlock, begin: Callable[[], Provider]
    ) -> tuple[Provider, BlockBuffer, bytes]:
        """Pack samples for the provider that they fit.

        Parameters
        ----------
        samples : Samples
            What came in.
        begin : callable
            Returns a new provider.

        Raises
        ------
        RefusedError
            If no provider can take them; then none has begun.
        """
        known = self._kinds.get(samples.block_name, {})
        for provider in self.providers:
            if (found := provider.fit(samples, known)) is not None:
                return provider, *found
        self._remember_all()
        fresh = begin()
        found = fresh.fit(samples, self._kinds.get(samples.block_name, {}))
        if found is None:
            raise RefusedError(f"block {samples.block_name!r} fits no provider")
        self._replace(fresh)
        return fresh, *found

    def room_for(
        self, name: str, kinds: Mapping[str, Kind], begin: Callable[[], Provider]
    ) -> tuple[Provider, BlockBuffer]:
        """Return where packed samples of these types go."""
        known = self._kinds.get(name, {})
        for provider in self.providers:
            if (block := provider.room_for(name, kinds, known)) is not None:
                return provider, block
        self._remember_all()
        fresh = begin()
        block = fresh.room_for(name, kinds, self._kinds.get(name, {}))
        if block is None:
            raise ValueError("a new provider has room for anything")
        self._replace(fresh)
        return fresh, block

    def nothing_layout(self, origin: Origin) -> Layout:
        """Return what stands for a message without anything to record."""
        if self.nothing is None:
            self.nothing = Layout(origin, "", {})
        return self.nothing

    def end(self, provider: Provider) -> None:
        """Forget a provider, but not the types of its fields."""
        self._remember(provider)
        self.providers.remove(provider)

    def _replace(self, fresh: Provider) -> None:
        """Retire the old providers, unless they have just begun.

        Fields keep the type that they were once widened to: readers take a
        field's type from the first file that they meet.
        """
        for old in self.providers:
            lived_s = fresh.started.mono_s - old.started.mono_s
            if lived_s >= SHORT_LIFE_S or len(self.providers) >= MOST_PROVIDERS:
                old.retired = True
        self.providers.append(fresh)

    def _remember_all(self) -> None:
        for provider in self.providers:
            self._remember(provider)

    def _remember(self, provider: Provider) -> None:
        for name, block in provider.blocks.items():
            self._kinds.pop(name, None)  # What was seen last is the last to be forgotten.
            self._kinds[name] = dict(block.layout.kinds)
        surplus = len(self._kinds) - MOST_BLOCKS
        for name in list(islice(self._kinds, max(surplus, 0))):
            del self._kinds[name]
