"""Messages that earlier lives of an agent have left on the disk."""

import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from ocsd.agent.spool import mark
from ocsd.agent.spool.limits import SpoolLimits, limits_of
from ocsd.agent.spool.segment import (
    DESCRIPTION_BYTES,
    SHORTAGE_ERRORS,
    SUFFIX,
    FoundSegment,
    content,
    description,
)
from ocsd.agent.spool.spool import SpooledMessage, spooled

# Number of earlier lives that are kept: an agent that keeps ending must not fill the disk.
MOST_EARLIER_LIVES = 100


@dataclass(frozen=True, slots=True)
class PastFeed:
    """A feed of an earlier life: its description and its files that have messages, in order.

    `marked` is the number in its mark: that of the next message, if the last ones were in memory.
    """

    info: dict[str, Any]
    segments: tuple[FoundSegment, ...]
    marked: int

    @property
    def first(self) -> int:
        """Number of the oldest message; as `next` if there is none."""
        return next((segment.first for segment in self.segments), self.marked)

    @property
    def next(self) -> int:
        """The number after that of the newest message."""
        return max([self.marked, *(segment.next for segment in self.segments)])

    def messages(self, after: int) -> Iterator[SpooledMessage]:
        """Yield the messages from number `after` on."""
        return spooled(self.segments, after)


class PastSpools:
    """The folders of an agent's earlier lives, one for each.

    They are kept until this life has lasted as long as messages are kept, because the
    aggregator has then had time to fetch them, and within the bounds of size. The folder
    named `present` is that of this life and left alone. `limits` returns the bounds of a feed
    of this life, by the name of its folder, or None if it has not published a message yet.
    """

    def __init__(
        self, folder: Path | None, present: str, limits: Callable[[str], SpoolLimits | None]
    ) -> None:
        self._folder = folder
        self._present = present
        self._limits = limits
        # Files that have been read: they do not change, and their ends are inside them.
        self._read: dict[Path, FoundSegment] = {}
        # Lives that were there at the start. The time in a name does not show that a life
        # was earlier: the clock may have been wrong.
        self._earlier: set[str] = set()
        with suppress(OSError):
            self._earlier = {life.name for life in self._lives()}

    def sessions(self) -> dict[str, dict[str, PastFeed]]:
        """Return the feeds that have messages, by agent session and name.

        A life that cannot be read does not hide the others. It is left out, which does
        not declare it lost.

        Raises
        ------
        OSError
            If the disk cannot be read now.
        """
        read_before, self._read = self._read, {}
        sessions = {}
        for life in self._lives():
            try:
                sessions[life.name] = self._feeds_of(life, read_before)
            except OSError as error:
                if error.errno in SHORTAGE_ERRORS:
                    raise
        return {session_id: feeds for session_id, feeds in sessions.items() if feeds}

    def feed(self, session_id: str, feed_name: str) -> PastFeed | None:
        """Return a feed of an earlier life; None if it has left nothing.

        Raises
        ------
        OSError
            If the disk cannot be read now.
        """
        for life in self._lives():
            if life.name == session_id:
                return self._feeds_of(life, self._read).get(feed_name)
        return None

    def tend(self, uptime_s: float) -> None:
        """Remove messages that a life of this age [s] need not keep any longer."""
        kept_bytes: dict[str, int] = {}
        with suppress(OSError):  # a disk that cannot be read now is tended the next time
            # A later life may be there already, if this process has been given up as dead.
            earlier = [life for life in self._lives() if life.name in self._earlier]
            for life in reversed(earlier[-MOST_EARLIER_LIVES:]):
                self._thin_out(life, uptime_s, kept_bytes)
            for life in earlier[:-MOST_EARLIER_LIVES]:
                self._thin_out(life, inf, kept_bytes)

    def _thin_out(self, life: Path, uptime_s: float, kept_bytes: dict[str, int]) -> None:
        """Remove the messages of a life that are too old, or too many with later ones."""
        with suppress(OSError):
            for feed in _folders(life):
                limits = self._limits(feed.name) or _limits_then(feed)
                if uptime_s >= limits.max_age_s:
                    shutil.rmtree(feed, ignore_errors=True)
                    continue
                for path in reversed(_files(feed)):
                    kept_bytes[feed.name] = kept_bytes.get(feed.name, 0) + _size_bytes(path)
                    if kept_bytes[feed.name] > limits.max_bytes:
                        with suppress(OSError):
                            path.unlink()
            _remove_if_empty(life)

    def _lives(self) -> list[Path]:
        """Return the folders of the other lives, the oldest first."""
        if self._folder is None:
            return []
        # The spare folders and the rules of access have names with a dot.
        names = [life for life in _folders(self._folder) if not life.name.startswith(".")]
        others = [life for life in names if life.name != self._present]
        return sorted(others, key=lambda life: _began_at(life.name))

    def _feeds_of(
        self, life: Path, read_before: Mapping[Path, FoundSegment]
    ) -> dict[str, PastFeed]:
        feeds = [self._feed_in(folder, read_before) for folder in _folders(life)]
        return {str(feed.info.get("feed_name")): feed for feed in feeds if feed is not None}

    def _feed_in(self, folder: Path, read_before: Mapping[Path, FoundSegment]) -> PastFeed | None:
        segments: deque[FoundSegment] = deque()
        following: int | None = None
        for path in reversed(_files(folder)):
            segment = _segment(path, following, read_before.get(path))
            if segment is not None:
                self._read[path] = segment
                following = segment.first
                if segment.next > segment.first:
                    segments.appendleft(segment)
        marked, info = mark.read(folder)
        if segments:
            info = segments[-1].info
        elif not (marked and info):
            return None
        return PastFeed(info, tuple(segments), marked)


def _segment(
    path: Path, following: int | None, read_before: FoundSegment | None
) -> FoundSegment | None:
    """Return the segment in a file, from before if possible; None if it is not legible."""
    if read_before is not None:
        # Only the last file may still grow, if its writer lives after all.
        if following is not None:
            read_before.next = following
            return read_before
        if read_before.size_bytes == _size_bytes(path):
            return read_before
    with suppress(ValueError):
        return FoundSegment(path, following)
    return None


def _began_at(session_id: str) -> float:
    """Return the time at which a life began, which is the name of its agent session."""
    try:
        return float(session_id)
    except ValueError:
        return 0.0


def _limits_then(feed: Path) -> SpoolLimits:
    """Return the bounds that a feed had when it was written."""
    for path in _files(feed)[:1]:
        with suppress(ValueError):
            data = content(path, size_bytes=DESCRIPTION_BYTES)
            params = description(data).get("agg_params")
            if isinstance(params, dict):
                return limits_of(params, lambda _: None)
    return SpoolLimits()


def _folders(folder: Path) -> list[Path]:
    return [path for path in _listed(folder) if path.is_dir()]


def _files(folder: Path) -> list[Path]:
    return [path for path in _listed(folder) if path.suffix == SUFFIX]


def _listed(folder: Path) -> list[Path]:
    """Return the paths in a folder; none if it does not exist.

    Raises
    ------
    OSError
        If it cannot be read. It must not be taken for empty then, because messages that
        an answer leaves out count as lost for good.
    """
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _remove_if_empty(life: Path) -> None:
    for folder in (*_folders(life), life):
        with suppress(OSError):
            folder.rmdir()
