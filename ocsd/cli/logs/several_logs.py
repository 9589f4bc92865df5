"""Several logs as one: in order of time, each line with the name of its log."""

import heapq
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from ocsd.log.log_lines import LineFilter, LineReader, LogLine
from ocsd.log.logfile import Follower


class SeveralLogs:
    """Reads several logs; with `follow` an unfinished line at the end may wait for its rest.

    With `last` it begins with so many last lines, of each log or of all together.
    """

    def __init__(
        self,
        followers: Mapping[str, Follower],
        follow: bool,
        line_filter: LineFilter = LineFilter(),  # noqa: B008 - it is frozen
        last: int | None = None,
        *,
        of_each: bool = True,
    ) -> None:
        self._readers = [LineReader(name, log, follow) for name, log in followers.items()]
        self._filter = line_filter
        self._last = last
        self._of_each = of_each

    def fresh(self) -> Iterator[LogLine]:
        """Yield the lines that can be read now; to be called again and again to follow.

        Lines that were written between two calls are put in order; none waits for a later call.
        """
        each: list[Iterable[LogLine]] = [
            self._filter.passed(reader.fresh()) for reader in self._readers
        ]
        if self._of_each:
            each = [_last(lines, self._last) for lines in each]
        merged: Iterable[LogLine] = heapq.merge(*each, key=lambda line: line.order_at)
        if not self._of_each:
            merged = _last(merged, self._last)
        yield from merged
        self._last = None


def _last(lines: Iterable[LogLine], number: int | None) -> Iterable[LogLine]:
    """Return the last lines; all of them if there is no number."""
    if number is None:
        return lines
    return deque(lines, number)
