"""The messages that an aggregator records, and those that it leaves to others. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ocsd.agent.spool.recorded_by import RECORDED_BY


class RecorderSpan(NamedTuple):
    """The host whose aggregator records the messages from a number on; None: the site's."""

    first: int
    host: str | None


@dataclass(frozen=True, slots=True)
class Share:
    """The rule of one aggregator; without arguments that of a site with a single one."""

    host: str | None = None
    """The host of this aggregator; None if it was started by hand."""
    of_site: bool = True
    """Whether it records the messages that are left to the site's aggregator."""

    def has(self, feed_info: Mapping[str, Any]) -> bool:
        """Return whether a message with this description is recorded here."""
        return self._is(host_of(feed_info))

    def _is(self, host: str | None) -> bool:
        if host is None:
            return self.of_site
        return host == self.host

    def end(self, spans: Sequence[RecorderSpan], end: int) -> int:
        """Return the number after the last message that is recorded here; 0 if none is.

        `spans` are those of all messages before number `end`; without any, all are the site's.
        """
        return max((until for _, until, host in _ranges(spans, end) if self._is(host)), default=0)

    def others(self, spans: Sequence[RecorderSpan], end: int) -> list[tuple[int, int]]:
        """Return the numbers before `end` that others record, as half-open ranges."""
        return [(first, until) for first, until, host in _ranges(spans, end) if not self._is(host)]


def host_of(feed_info: Mapping[str, Any]) -> str | None:
    """Return the host whose aggregator records a message; None for the site's."""
    host = feed_info.get(RECORDED_BY)
    return host if type(host) is str and host else None


def _ranges(spans: Iterable[RecorderSpan], end: int) -> Iterator[tuple[int, int, str | None]]:
    known = [*spans] or [RecorderSpan(0, None)]
    ends = [*(span.first for span in known[1:]), end]
    for span, until in zip(known, ends, strict=True):
        if span.first < min(until, end):
            yield span.first, min(until, end), span.host
