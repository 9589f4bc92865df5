"""What is remembered about a feed during one run of its agent."""

from typing import Final

from ocsd.aggregator.columns import Kind
from ocsd.aggregator.message import Origin, RefusedError, Samples
from ocsd.aggregator.moment import Moment
from ocsd.aggregator.provider import Provider
from ocsd.aggregator.sequence import Sequence

# A provider that is replaced after a shorter life stays beside its successor: an
# agent that sends two sets of fields in turn gets two providers, not one for
# every message.
SHORT_LIFE_S: Final = 10.0
MOST_PROVIDERS: Final = 8


class Source:
    """A feed of one agent session: its numbers and its present providers.

    Attributes
    ----------
    sequence : Sequence
        Which messages came in.
    providers : list of Provider
        Usually one; more only while fields or types change.
    heard_s : float
        Monotonic time of the last message [s].
    """

    def __init__(self) -> None:
        self.sequence = Sequence()
        self.providers: list[Provider] = []
        self.heard_s = 0.0
        self._kinds: dict[str, dict[str, Kind]] = {}

    def offer(self, samples: Samples, now: Moment) -> Provider | None:
        """Give `samples` to the provider that they fit; None if there is none.

        Raises
        ------
        RefusedError
            If no provider can take them.
        """
        known = self._kinds.get(samples.block_name, {})
        for provider in self.providers:
            if provider.offer(samples, known, now):
                return provider
        return None

    def begin(self, prov_id: int, origin: Origin, samples: Samples, now: Moment) -> Provider:
        """Return a new provider that has taken `samples`, and retire old ones.

        Fields keep the type that they were once widened to: readers take a
        field's type from the first file that they meet.

        Raises
        ------
        RefusedError
            If no provider can take them; then nothing has changed.
        """
        for old in self.providers:
            self._remember(old)
        fresh = Provider(prov_id, origin, now)
        if not fresh.offer(samples, self._kinds.get(samples.block_name, {}), now):
            raise RefusedError(f"block {samples.block_name!r} fits no provider")
        for old in self.providers:
            lived_s = now.mono_s - old.started.mono_s
            if lived_s >= SHORT_LIFE_S or len(self.providers) >= MOST_PROVIDERS:
                old.retired = True
        self.providers.append(fresh)
        return fresh

    def end(self, provider: Provider) -> None:
        """Forget a provider, but not the types of its fields."""
        self._remember(provider)
        self.providers.remove(provider)

    def _remember(self, provider: Provider) -> None:
        for name, block in provider.blocks.items():
            self._kinds[name] = {key: column.kind for key, column in block.columns.items()}
