"""What earlier lives of an agent have left of their feeds."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

from ocsd.agent.spool import mark
from ocsd.agent.spool.limits import SpoolLimits, limits_of
from ocsd.agent.spool.segment import SHORTAGE_ERRORS, SUFFIX, FoundSegment, Segment, description
from ocsd.agent.spool.spool import SpooledMessage, kept

# An agent that ends again and again must not fill the disk with folders.
MOST_SESSIONS = 100


@dataclass(frozen=True, slots=True)
class PastFeed:
    """A feed of an earlier life.

    Parameters
    ----------
    info : dict
        Its description.
    segments : tuple of Segment
        What there is of it, in order.
    noted : int
        The number after that of the newest message, if it was in memory only.
    """

    info: dict[str, Any]
    segments: tuple[Segment, ...]
    noted: int

    @property
    def first(self) -> int:
        """Number of the oldest message; as `next` if there is none."""
        return self.segments[0].first if self.segments else self.noted

    @property
    def next(self) -> int:
        """The number after that of the newest message."""
        return max([self.noted, *(each.next for each in self.segments[-1:])])

    def messages(self, after: int) -> Iterator[SpooledMessage]:
        """Yield the messages from number `after` on."""
        return kept(self.segments, after)


class PastSpools:
    """The folders of an agent's earlier lives, one for each.

    They are kept until this life has lasted for as long as messages are kept, and
    within the bounds of size: whoever missed something has had time to fetch it.

    Parameters
    ----------
    folder : Path, optional
        Where the folders are.
    present : str
        The name of this life's, which is left alone.
    limits : callable
        Returns the bounds of a feed of this life, by the name of its folder; None if
        this life has not had a message of it.
    """

    def __init__(
        self, folder: Path | None, present: str, limits: Callable[[str], SpoolLimits | None]
    ) -> None:
        self._folder = folder
        self._present = present
        self._limits = limits
        # They do not change, and to find out where one ends it has to be read.
        self._known: dict[Path, Segment] = {}
        # Found by that, not by the time in their names: the clock may have been wrong.
        self._before: set[str] = set()
        with suppress(OSError):
            self._before = {each.name for each in self._sessions()}

    def sessions(self) -> dict[str, dict[str, PastFeed]]:
        """Return the feeds that have messages, by session and name.

        A session that is beyond reading does not hide the others: it is left out, which
        tells nobody that it is lost.

        Raises
        ------
        OSError
            If the disk cannot be read now.
        """
        before, self._known = self._known, {}
        sessions = {}
        for each in self._sessions():
            try:
                sessions[each.name] = self._feeds_of(each, before)
            except OSError as error:
                if error.errno in SHORTAGE_ERRORS:
                    raise
        return {name: feeds for name, feeds in sessions.items() if feeds}

    def feed(self, session_id: str, feed_name: str) -> PastFeed | None:
        """Return a feed of an earlier life; None if there is nothing of it.

        Raises
        ------
        OSError
            If the disk cannot be read now.
        """
        for session in self._sessions():
            if session.name == session_id:
                return self._feeds_of(session, self._known).get(feed_name)
        return None

    def tend(self, uptime_s: float) -> None:
        """Remove what need not be kept any longer.

        Parameters
        ----------
        uptime_s : float
            How long this life has lasted [s].
        """
        # A disk that cannot be read now is looked through the next time.
        with suppress(OSError):
            self._tend(uptime_s)

    def _tend(self, uptime_s: float) -> None:
        taken: dict[str, int] = {}
        # A later life may be there already, if this process has been given up as dead.
        earlier = [each for each in self._sessions() if each.name in self._before]
        for rank, session in enumerate(reversed(earlier)):
            with suppress(OSError):
                self._thin_out(session, uptime_s if rank < MOST_SESSIONS else inf, taken)

    def _thin_out(self, session: Path, uptime_s: float, taken: dict[str, int]) -> None:
        """Remove what is too old or too much of an earlier life."""
        for feed in _folders(session):
            limits = self._limits(feed.name) or _limits_then(feed)
            if uptime_s >= limits.max_age_s:
                shutil.rmtree(feed, ignore_errors=True)
                continue
            for path in reversed(_files(feed)):
                taken[feed.name] = taken.get(feed.name, 0) + _size_bytes(path)
                if taken[feed.name] > limits.max_bytes:
                    _remove(path)
        _remove_if_empty(session)

    def _sessions(self) -> list[Path]:
        """Return the folders of the other lives, the oldest first."""
        if self._folder is None:
            return []
        no_past = {self._present, mark.SPARES}
        others = [each for each in _folders(self._folder) if each.name not in no_past]
        return sorted(others, key=lambda each: _began(each.name))

    def _feeds_of(self, session: Path, known: Mapping[Path, Segment]) -> dict[str, PastFeed]:
        feeds = {}
        for folder in _folders(session):
            segments: list[Segment] = []
            following: int | None = None
            for path in reversed(_files(folder)):
                segment = _found(path, following, known.get(path))
                if segment is not None:
                    self._known[path] = segment
                    following = segment.first
                    if segment.next > segment.first:
                        segments.insert(0, segment)
            noted, info = mark.read(folder)
            if segments:
                info = segments[-1].info
            if segments or (noted and info):
                feeds[str(info.get("feed_name"))] = PastFeed(info, tuple(segments), noted)
        return feeds


def _found(path: Path, following: int | None, known: Segment | None) -> Segment | None:
    # Only the last file may still grow, if its writer lives after all.
    if known is not None and following is not None:
        known.next = following
        return known
    if known is not None and known.size_bytes == _size_bytes(path):
        return known
    with suppress(ValueError):
        return FoundSegment(path, following)
    return None


def _began(session_id: str) -> float:
    """Return when a life began, which is what an agent session is named by."""
    try:
        return float(session_id)
    except ValueError:
        return 0.0


def _limits_then(feed: Path) -> SpoolLimits:
    """Return the bounds that a feed had when it was written."""
    for path in _files(feed)[:1]:
        with suppress(ValueError):
            params = description(path).get("agg_params")
            return limits_of(params if isinstance(params, dict) else {}, lambda _: None)
    return SpoolLimits()


def _folders(folder: Path) -> list[Path]:
    return [each for each in _listed(folder) if each.is_dir()]


def _files(folder: Path) -> list[Path]:
    return [each for each in _listed(folder) if each.suffix == SUFFIX]


def _listed(folder: Path) -> list[Path]:
    """Return what is in a folder; nothing if there is none.

    Raises
    ------
    OSError
        If it cannot be read. Nobody may take it for empty then: what an answer leaves
        out counts as lost for good.
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


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _remove_if_empty(session: Path) -> None:
    for folder in (*_folders(session), session):
        with suppress(OSError):
            folder.rmdir()
