"""One feed in one life of an agent, read from its spool while the agent goes on writing.

The agent only appends to the last segment, begins new ones, and removes the oldest
(`ocsd.agent.spool.spool`). So a segment with a successor is complete, if the folder was listed
before the segment was read. The place in a segment is only a shortcut: the numbers that are
recorded already are skipped, so reading a segment again does no harm.
"""

import os
from collections.abc import Iterator
from typing import Any, Final

from ocsd.agent.spool.limits import SpoolLimits, limits_of
from ocsd.agent.spool.segment import SUFFIX, records, unpacked
from ocsd.aggregator.incoming.spooled import SpooledRun
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.journal.ranges import Ranges

PAGE_BYTES: Final = 2**20
"""About how much is read at a time; more only for a message that is larger."""


LEAST: Final = SpoolLimits(max_age_s=60.0, max_bytes=2**24)
"""A spool that holds less may have dropped a message before it is read here. What the router
brings waits in memory instead."""


def owners() -> tuple[int, int]:
    """Return the users whose files are read: root and that of this process."""
    return 0, os.geteuid()


class FeedTail:
    """The segments in the folder of a feed; `folder` is its path.

    Attributes
    ----------
    key : SourceKey
        Feed and session, which the segments have to name as well.
    at_end : bool
        Whether the last `read` has come to the end.
    is_ours : bool
        Whether a segment of this source has been read, and the last `read` worked.
    is_short : bool
        Whether numbers are known to exist that were not on the disk: its agent may have them in
        memory only.
    """

    def __init__(self, folder: str, key: SourceKey) -> None:
        self.key = key
        self.at_end = False
        self.is_ours = self.is_short = False
        self._folder = folder
        self._info: dict[str, Any] | None = None
        self.rewind()

    def rewind(self) -> None:
        """Begin again at the first number that is not recorded."""
        self.at_end = False
        self._first = -1  # of the segment that is being read
        self._offset = 0
        self._is_torn = self._read_again = False

    def give_up(self) -> None:
        """Take a `read` that failed for one to the end; the next one begins again."""
        self.rewind()
        self.at_end = True

    def read(self, seen: Ranges) -> list[SpooledRun]:
        """Return the next messages, in order, without numbers in `seen`; a run for each segment.

        Raises
        ------
        OSError
            If the spool cannot be read now; the folder may be gone.
        """
        self.is_ours, was_ours = False, self.is_ours
        runs: list[SpooledRun] = []
        firsts = self._firsts()
        room_bytes = PAGE_BYTES
        for first, following in self._to_read(firsts, seen):
            room_bytes -= self._read_segment(first, seen, runs, room_bytes)
            if self._is_torn and following is not None and not self._read_again:
                # Perhaps it was overwritten, after the disk was full: once more from its beginning.
                self._begin(first)
                self._read_again = True
                room_bytes = 0
            if room_bytes <= 0:
                break
        self.at_end = room_bytes > 0
        # A segment that somebody has removed may still be written to.
        is_there = bool(firsts) and firsts[-1] >= self._first
        # None: nothing has been read of the present segment yet.
        self.is_ours = is_there and bool(self._info or (was_ours and self._info is None))
        return [run for run in runs if run.numbers]

    def _to_read(self, firsts: list[int], seen: Ranges) -> Iterator[tuple[int, int | None]]:
        """Begin one segment after the other; yield each with the first number of its successor."""
        for first, following in zip(firsts, [*firsts[1:], None], strict=True):
            if first == self._first:
                yield first, following
            elif first > self._first and (following is None or seen.missing(first, following)):
                self._begin(first)
                yield first, following

    def _firsts(self) -> list[int]:
        """Return the names of the segments: their first numbers, ascending."""
        names = (name.removesuffix(SUFFIX) for name in os.listdir(self._folder) if SUFFIX in name)
        return sorted(int(name) for name in names if name.isdecimal())

    def _begin(self, first: int) -> None:
        self._first, self._offset = first, 0
        self._info = None
        self._is_torn = self._read_again = False

    def _read_segment(
        self, first: int, seen: Ranges, runs: list[SpooledRun], room_bytes: int
    ) -> int:
        """Append the messages of a segment from the present place on; return the bytes read."""
        path = f"{self._folder}/{first:020}{SUFFIX}"
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except FileNotFoundError:
            return 0  # The agent has removed it since.
        try:
            status = os.fstat(descriptor)
            if status.st_uid not in owners():
                return 0  # Another user's, in a folder that was given to us since.
            size_bytes = status.st_size
            if size_bytes < self._offset:
                self._begin(first)  # It was overwritten, after the disk was full.
            read_bytes = 0
            while read_bytes < room_bytes and self._offset < size_bytes:
                end = self._read_some(descriptor, size_bytes, seen, runs)
                if not end:
                    break
                self._offset += end
                read_bytes += end
            self._is_torn = self._offset < size_bytes and read_bytes < room_bytes
            return read_bytes
        finally:
            os.close(descriptor)

    def _read_some(
        self,
        descriptor: int,
        size_bytes: int,
        seen: Ranges,
        runs: list[SpooledRun],
    ) -> int:
        """Append the messages of the next bytes; return how many bytes had whole records."""
        data = os.pread(descriptor, PAGE_BYTES, self._offset)
        end = self._take(data, seen, runs)
        if not end and len(data) == PAGE_BYTES:
            # A large message.
            data = os.pread(descriptor, size_bytes - self._offset, self._offset)
            end = self._take(data, seen, runs)
        return end

    def _take(self, data: bytes, seen: Ranges, runs: list[SpooledRun]) -> int:
        """Append the messages of whole records; return where these end."""
        end = 0
        run = SpooledRun(self._info or {}, [], [])
        newest = next(reversed(seen.bounds), 0)
        for number, body, until in records(data):
            end = until
            if self._info is None:
                self._info = self._described(body)
                run = SpooledRun(self._info, [], [])
            elif self._info and (number >= newest or number not in seen):
                run.numbers.append(number)
                run.bodies.append(body)
        runs.append(run)
        return end

    def _described(self, body: bytes) -> dict[str, Any]:
        """Return the description at the beginning of a segment; empty if it is not to be read."""
        try:
            info = unpacked(body)
        except ValueError:
            return {}
        if not isinstance(info, dict) or not info.get("record"):
            return {}
        if (info.get("address"), info.get("session_id")) != tuple(self.key):
            return {}
        parameters = info.get("agg_params")
        limits = limits_of(parameters if isinstance(parameters, dict) else {}, lambda _: None)
        if limits.max_age_s < LEAST.max_age_s or limits.max_bytes < LEAST.max_bytes:
            return {}
        return info
