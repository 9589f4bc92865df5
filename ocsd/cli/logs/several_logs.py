"""Several logs as one: in order of time, each line with the name of its log."""

import heapq
from collections.abc import Iterator, Mapping

from ocsd.cli.logs.logfile import Follower, written_at


class SeveralLogs:
    """Reads several logs; with `follow` an unfinished line at the end may wait for its rest."""

    def __init__(self, followers: Mapping[str, Follower], follow: bool) -> None:
        width = max(map(len, followers))
        self._sources = [
            _LogSource(f"{name:<{width}}  ", log, follow) for name, log in followers.items()
        ]

    def fresh(self) -> Iterator[str]:
        """Yield the lines that can be read now; to be called again and again to follow.

        Lines that were written between two calls are put in order; none waits for a later call.
        """
        lines = (source.fresh() for source in self._sources)
        for _, text in heapq.merge(*lines, key=lambda line: line[0]):
            yield text


class _LogSource:
    """One log, line by line."""

    def __init__(self, prefix: str, follower: Follower, follow: bool) -> None:
        self._prefix = prefix
        self._follower = follower
        self._follow = follow
        self._rest = ""
        self._at = 0.0

    def fresh(self) -> Iterator[tuple[float, str]]:
        """Yield the time and text of each line; a line without a time has that of the last."""
        waits = False
        for text in self._follower.fresh():
            *lines, self._rest = (self._rest + text).split("\n")
            yield from map(self._line, lines)
            waits = self._follow
        if self._rest and not waits:
            yield self._line(self._rest)
            self._rest = ""

    def _line(self, line: str) -> tuple[float, str]:
        self._at = max(self._at, written_at(line.encode()) or 0.0)
        return self._at, f"{self._prefix}{line}\n"
