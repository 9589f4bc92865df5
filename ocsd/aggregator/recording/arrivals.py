"""Everything that can reach the recording thread, as values that wait in the intake."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from ocsd.aggregator.numbers.share import RecorderSpan
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.journal.format import Outage


class Received(NamedTuple):
    """A message off the bus that its feed_info marks as recorded."""

    message: object
    feed_info: Mapping[str, Any]


class Unreadable(NamedTuple):
    """A message off the bus whose feed_info is not a map."""

    message: object
    feed_info: object


class Announced(NamedTuple):
    """The numbers of a heartbeat: for each feed, all messages below one number exist."""

    sender: str
    next_numbers: Mapping[SourceKey, int]


class HeldRange(NamedTuple):
    """The numbers that an agent's spool holds of one source: from `first` to before `end`."""

    first: int
    end: int
    recorders: tuple[RecorderSpan, ...] = ()
    """The hosts whose aggregators record them; without any, it is the site's."""


class LostRange(NamedTuple):
    """The numbers from `first` to `last`, which a spool lacks; `why` completes a sentence."""

    first: int
    last: int
    why: str


class SpoolIndex(NamedTuple):
    """An agent's answer about all that its spool holds."""

    agent: str
    held: Mapping[SourceKey, HeldRange]


class SpoolPage(NamedTuple):
    """An agent's answer with messages of one source."""

    agent: str
    """Address of the agent."""
    key: SourceKey
    """Feed and session."""
    messages: tuple[tuple[Any, Mapping[str, Any]], ...]
    """Wanted messages, each with its feed_info."""
    lost: tuple[LostRange, ...]
    """Wanted numbers that the agent cannot deliver any more."""
    end: int
    """Every wanted number below this one is in `messages` or `lost`."""


Arrival: TypeAlias = Received | Unreadable | Announced | SpoolIndex | SpoolPage | Outage
