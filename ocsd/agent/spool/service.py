"""All spools of an agent, of this life and earlier ones, and the answers from them."""

import os
import time
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from math import inf
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from ocsd.agent.spool.limits import SpoolLimits, is_number
from ocsd.agent.spool.mark import SPARES
from ocsd.agent.spool.past import PastFeed, PastSpools
from ocsd.agent.spool.recorded_by import RECORDED_BY, RecordedBy, RecorderSpan, told_spans
from ocsd.agent.spool.spool import Spool, SpooledMessage, Witness
from ocsd.bus.unheard import UnheardFeeds
from ocsd.bus.wamp import ApplicationError
from ocsd.site.values.told import ToldLaunch
from ocsd.system import paths

# Size of an answer if the request names none, and the largest that it can ask for.
ANSWER_BYTES = 2**20
MOST_ANSWER_BYTES = 8 * 2**20
# Number of messages in an answer at most: a thousand small ones take the reactor 30 ms.
MOST_ANSWER_MESSAGES = 1000
# Time between two checks of earlier lives for messages to remove [s].
TEND_EVERY_S = 10.0

NO_MESSAGES: Mapping[str, Any] = {"first": 0, "next": 0, "messages": []}


class LostMessages(Protocol):
    """The messages of a feed that could be neither sent nor kept."""

    def rows(self, after: int) -> list[list[int | str]]:
        """Return ``[number, cause]`` of each from number `after` on."""

    def has(self, number: int) -> bool:
        """Return whether a message is one of them."""


class KeptFeed(Protocol):
    """A feed whose messages are kept for others."""

    feed_name: str
    address: str
    is_spooled: bool
    spool: Spool
    next_number: int
    losses: LostMessages


def folder_of(launch: ToldLaunch | None, instance_id: str) -> Path | None:
    """Return the folder in which an instance keeps messages; None if it has none on the disk.

    An agent that was started by hand, without a launch, has none.
    """
    if launch is None:
        return None
    given = os.environ.get(paths.SPOOL_VARIABLE)
    if given:
        return Path("/proc/self/fd") / given
    try:
        return paths.spool(launch.host, instance_id)
    except RuntimeError:  # no home
        return None


class SpoolService(Witness):
    """The spools of an agent's recorded feeds.

    `folder` is that of all lives of the agent; None keeps messages in memory. `session_id` is
    the agent session of this life, `monotonic` returns the monotonic time [s].

    Attributes
    ----------
    feeds : dict
        The feeds of this life that have had messages, by name.
    recorded_by : RecordedBy
        The host whose aggregator records them.
    """

    def __init__(
        self,
        folder: Path | None,
        session_id: str,
        log: Any,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.session_id = session_id
        self.feeds: dict[str, KeptFeed] = {}
        self.recorded_by = RecordedBy(self.feeds)
        self._folder = folder
        self._log = log
        self._monotonic = monotonic
        self._begun_s = monotonic()
        self._tended_s = -inf
        self._past = PastSpools(folder, session_id, self._limits_of)
        self._in_memory: set[Path | None] = set()
        self._why_in_memory = ""
        self._logged_not_removed = False
        self._unheard = UnheardFeeds(None if folder is None else folder.parent, monotonic)

    def is_unheard(self, address: str) -> bool:
        """Return whether nobody but the recorder of this host, which reads the disk, hears a feed.

        In memory it could not be read.
        """
        return not self._in_memory and self._unheard.has(address, self.session_id)

    def spool(self, feed_name: str, limits: SpoolLimits, monotonic: Callable[[], float]) -> Spool:
        """Return a new spool for a feed; makes nothing on the disk yet."""
        if self._folder is None:
            return Spool(None, limits, monotonic, self)
        folder = self._folder / self.session_id / _folder_name(feed_name)
        return Spool(folder, limits, monotonic, self, self._folder / SPARES)

    def stamp(self, feed: KeptFeed) -> dict[str, str]:
        """Return what goes with the next message of a feed: whose aggregator records it."""
        if not feed.is_spooled:
            return {}
        self.recorded_by.look()
        self.feeds[feed.feed_name] = feed
        self.recorded_by.begin(feed.feed_name)
        return self.recorded_by.stamp

    def numbers(self) -> dict[str, int]:
        """Return the number of the next message of each feed."""
        return {name: feed.next_number for name, feed in self.feeds.items()}

    def answer(
        self,
        feed_name: Any = None,
        session_id: Any = None,
        after: Any = 0,
        max_bytes: Any = ANSWER_BYTES,
        **_unknown: Any,
    ) -> dict[str, Any]:
        """Return messages of a feed, or which messages there are.

        Parameters
        ----------
        feed_name : str, optional
            The feed; None asks which messages there are.
        session_id : str, optional
            Agent session of the feed; this life's if None.
        after : int
            Number of the first message that is wanted.
        max_bytes : int
            About how much to return [bytes]: at least one message, and at most a thousand.

        Returns
        -------
        dict
            ``{sessions: {session_id: {feed_name: {address, first, next}}}}``, of which a row
            has ``recorders`` as well if another aggregator than the site's records messages, or
            ``{first, next, messages: [[message, feed_info], ...]}``, in which
            ``feed_info["seq"]`` is the number. Messages from `after` to the last one in
            the answer that are not in it are lost. If it holds no message, all up to
            ``next`` are lost. ``lost: [[number, cause], ...]`` has those that could be
            neither sent nor kept.

        Raises
        ------
        ApplicationError
            If `after` or `max_bytes` is not a number.
        """
        if feed_name is None:
            return {"sessions": self._index()}
        if not is_number(after) or not is_number(max_bytes):
            raise ApplicationError(
                "wamp.error.invalid_argument",
                f"'after' and 'max_bytes' have to be numbers, not {after!r} and {max_bytes!r}",
            )
        room_bytes = min(max_bytes, MOST_ANSWER_BYTES)
        name = str(feed_name)
        if session_id in (None, self.session_id):
            feed = self.feeds.get(name)
            if feed is None:
                return dict(NO_MESSAGES)
            held = (kept for kept in feed.spool.messages(after) if not feed.losses.has(kept.number))
            answer: dict[str, Any] = {
                "first": feed.spool.first,
                "next": feed.next_number,
                "messages": _within(held, room_bytes),
            }
            lost = feed.losses.rows(after)
            if lost:
                answer["lost"] = lost
            return answer
        past = self._past.feed(str(session_id), name)
        if past is None:
            return dict(NO_MESSAGES)
        messages = _within(past.messages(after), room_bytes)
        return {"first": past.first, "next": past.next, "messages": messages}

    def in_memory(self, folder: Path | None, error: OSError | None) -> None:
        """Log once that messages are kept in memory."""
        if not self._in_memory and error is not None:
            self._log.warn(
                "cannot keep messages in {folder}: {error}; they are kept in memory until that is "
                "possible, and lost if the agent is killed before",
                folder=self._place,
                error=error,
            )
        elif not self._in_memory:
            self._log.info(
                "messages of the last minutes are kept in memory only, because the agent was not "
                "started by ocsd"
            )
        self._in_memory.add(folder)
        if error is not None:
            self._why_in_memory = error.strerror or str(error)

    def complaint(self) -> str:
        """Return a complaint if a disk does not take the messages, else nothing.

        Another try is made if it is due, also for feeds that publish seldom.
        """
        # Threads of the agent may register feeds meanwhile.
        for feed in tuple(self.feeds.values()):
            feed.spool.retry()
        if not self._in_memory or not self._why_in_memory:
            return ""
        return (
            "its messages are kept in memory only, and lost if it is killed: cannot write "
            f"{self._place}: {self._why_in_memory}"
        )

    def on_disk(self, folder: Path) -> None:
        """Log that messages are kept on the disk again, and remove old ones."""
        if folder in self._in_memory:
            self._in_memory.discard(folder)
            if not self._in_memory:
                self._log.info("messages are kept in {folder} again", folder=self._place)
        self._tend()

    def not_removed(self, path: Path, error: OSError) -> None:
        """Log once that old messages cannot be deleted."""
        if not self._logged_not_removed:
            self._logged_not_removed = True
            self._log.warn(
                "cannot delete old messages in {path}: {error}; until that succeeds, which is "
                "tried with each message, they take more room than the spool is allowed",
                path=os.path.realpath(path),
                error=error,
            )

    @property
    def _place(self) -> str:
        """The folder under the name that operators know."""
        return os.path.realpath(self._folder or "")

    def _index(self) -> dict[str, dict[str, dict[str, Any]]]:
        self._tend()
        sessions: dict[str, dict[str, dict[str, Any]]] = {
            session_id: {
                name: _row(str(feed.info.get("address")), feed.first, feed.next, _spans(feed))
                for name, feed in feeds.items()
            }
            for session_id, feeds in self._past.sessions().items()
        }
        sessions[self.session_id] = {
            name: _row(
                feed.address, feed.spool.first, feed.next_number, self.recorded_by.spans(name)
            )
            for name, feed in self.feeds.items()
        }
        return sessions

    def _tend(self) -> None:
        now_s = self._monotonic()
        if now_s - self._tended_s >= TEND_EVERY_S:
            self._tended_s = now_s
            self._past.tend(now_s - self._begun_s)

    def _limits_of(self, folder_name: str) -> SpoolLimits | None:
        for name, feed in self.feeds.items():
            if _folder_name(name) == folder_name:
                return feed.spool.limits
        return None


def _row(address: str, first: int, end: int, recorders: list[RecorderSpan]) -> dict[str, Any]:
    """Return the row of a feed in the index."""
    row: dict[str, Any] = {"address": address, "first": first, "next": end}
    if recorders:
        row["recorders"] = recorders
    return row


def _spans(feed: PastFeed) -> list[RecorderSpan]:
    return told_spans([[each.first, each.info.get(RECORDED_BY)] for each in feed.segments])


def _folder_name(feed_name: str) -> str:
    # A slash is allowed in the name of a feed.
    return quote(feed_name, safe="", errors="replace")


def _within(messages: Iterable[SpooledMessage], room_bytes: float) -> list[list[Any]]:
    """Return the first messages, as many as there is room for, but at least one."""
    pairs: list[list[Any]] = []
    for message in islice(messages, MOST_ANSWER_MESSAGES):
        room_bytes -= message.size_bytes
        if pairs and room_bytes < 0:
            break
        pairs.append(message.pair())
    return pairs
