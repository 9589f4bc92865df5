"""Messages off the bus, of feeds that no journal of this host has."""

from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice
from threading import Lock
from typing import Any, Final

from ocsd.aggregator.frames.provider import kinds_of
from ocsd.aggregator.incoming.columns import MisfitError
from ocsd.aggregator.incoming.message import (
    RefusedError,
    check_field_names,
    read_blocks,
    read_origin,
)
from ocsd.aggregator.incoming.packing import PackingLayout
from ocsd.export.databases.destination import Refused
from ocsd.export.databases.points import BlockSamples, described

MOST_WAITING_VALUES: Final = 2_000_000
"""Values of samples that wait at most: some hundred megabytes."""


class Inbox:
    """Keeps messages until they are written; the oldest are dropped if there are too many.

    Its methods may be called from any thread.

    Parameters
    ----------
    takes_all : bool
        Take every recorded feed; else only those that the aggregator leaves out.
    clock : callable
        Returns the Unix time [s].

    Attributes
    ----------
    refused : list of Refused
        Of the messages that `first` has given last, those that have no samples that can be read.
    """

    def __init__(self, *, takes_all: bool, clock: Callable[[], float]) -> None:
        self.dropped = 0
        self.refused: list[Refused] = []
        self._takes_all = takes_all
        self._clock = clock
        self._waiting: deque[tuple[object, Mapping[str, Any], int]] = deque()
        self._size = 0
        self._begin = 0
        self._lock = Lock()

    def receive(self, pair: Any, *_more: Any) -> None:
        """Take a message off the bus."""
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            return
        message, feed_info = pair
        if not isinstance(feed_info, dict) or not feed_info.get("record"):
            return
        stated = feed_info.get("agg_params")
        parameters = stated if isinstance(stated, dict) else {}
        if parameters.get("exclude_influx"):
            return
        if self._takes_all or parameters.get("exclude_aggregator"):
            self._put(message, feed_info)

    def first(self, most: int = 1000) -> tuple[int, list[BlockSamples]]:
        """Return the samples of the oldest messages, and the number of the first behind them."""
        with self._lock:
            end = self._begin + min(most, len(self._waiting))
            messages = list(islice(self._waiting, most))
        found: list[BlockSamples] = []
        self.refused = []
        for message, feed_info, _ in messages:
            found += self._samples(message, feed_info)
        return end, found

    def written(self, end: int) -> None:
        """Forget the messages before a number, which the database has."""
        with self._lock:
            while self._waiting and self._begin < end:
                self._forget_oldest()

    @property
    def waiting(self) -> int:
        """Number of messages that wait."""
        return len(self._waiting)

    def _put(self, message: object, feed_info: Mapping[str, Any]) -> None:
        size = _values_in(message)
        with self._lock:
            self._waiting.append((message, feed_info, size))
            self._size += size
            while self._size > MOST_WAITING_VALUES and len(self._waiting) > 1:
                self._forget_oldest()
                self.dropped += 1

    def _forget_oldest(self) -> None:
        self._size -= self._waiting.popleft()[2]
        self._begin += 1

    def _samples(self, message: object, feed_info: Mapping[str, Any]) -> list[BlockSamples]:
        found: list[BlockSamples] = []
        try:
            origin = read_origin(feed_info)
            for block in read_blocks(message, self._clock()):
                if isinstance(block, RefusedError):
                    raise block
                check_field_names(block.block_name, list(block.columns))
                layout = PackingLayout(origin, block.block_name, kinds_of(block), block.tags)
                columns = layout.unpack(block.length, [layout.pack(block)])
                found.append(BlockSamples(described(layout), columns))
        except (RefusedError, MisfitError) as error:
            address = str(feed_info.get("address"))
            self.refused.append(Refused(address, message, str(error)))
        return found


def _values_in(message: object) -> int:
    """Return about how many values are in a message."""
    if not isinstance(message, dict):
        return 1
    blocks = [block for block in message.values() if isinstance(block, dict)]
    data = [block["data"] for block in blocks if isinstance(block.get("data"), dict)]
    columns = [values for each in data for values in each.values() if isinstance(values, list)]
    return 1 + sum(map(len, columns))
