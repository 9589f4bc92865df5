"""An agent's spools, of this life and earlier ones, and the answers from them."""

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
from ocsd.agent.spool.past import PastSpools
from ocsd.agent.spool.spool import Spool, SpooledMessage
from ocsd.bus.wamp import ApplicationError
from ocsd.site.launch import Launch
from ocsd.system import paths

# How much one answer holds unless it is asked for less or more, and at most.
ANSWER_BYTES = 2**20
MOST_ANSWER_BYTES = 8 * 2**20
# A thousand small messages keep the reactor busy for some 30 ms.
MOST_ANSWER_MESSAGES = 1000

# How often what earlier lives have left is looked through [s].
TEND_EVERY_S = 10.0

NO_MESSAGES: Mapping[str, Any] = {"first": 0, "next": 0, "messages": []}


class KeptFeed(Protocol):
    """A feed whose messages are kept for others."""

    feed_name: str
    address: str
    spool: Spool
    next_number: int


def folder_of(launch: Launch | None, instance_id: str) -> Path | None:
    """Return where an agent keeps messages; None if it has no place on the disk.

    Parameters
    ----------
    launch : Launch, optional
        What the process was started for.
    instance_id : str
        The agent's.
    """
    if launch is None:
        return None
    given = os.environ.get(paths.SPOOL_VARIABLE)
    if given:
        return Path("/proc/self/fd") / given
    try:
        return paths.of_host(launch.host, launch.log_dir).spool(instance_id)
    except RuntimeError:  # no home
        return None


class SpoolService:
    """The spools of an agent's recorded feeds.

    Everything happens in the reactor's thread.

    Parameters
    ----------
    folder : Path, optional
        Where this and earlier lives of the agent keep messages; None for in
        memory only.
    session_id : str
        The agent session of this life.
    log
        The agent's logger.
    monotonic : callable
        Returns the monotonic time [s].

    Attributes
    ----------
    feeds : dict
        The feeds of this life that have had messages, by name.
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
        self._folder = folder
        self._log = log
        self._monotonic = monotonic
        self._begun_s = monotonic()
        self._tended_s = -inf
        self._past = PastSpools(folder, session_id, self._limits_of)
        self._in_memory: set[Path | None] = set()
        self._said_not_removed = False

    def spool(self, feed_name: str, limits: SpoolLimits, monotonic: Callable[[], float]) -> Spool:
        """Return a new spool for a feed; nothing is made on disk yet."""
        if self._folder is None:
            return Spool(None, limits, monotonic, self)
        folder = self._folder / self.session_id / _folder_name(feed_name)
        return Spool(folder, limits, monotonic, self, self._folder / SPARES)

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
        """Tell what is kept, or give messages.

        Parameters
        ----------
        feed_name : str, optional
            The feed; None asks what there is.
        session_id : str, optional
            Agent session of the feed; this life's if None.
        after : int
            Number of the first message that is wanted.
        max_bytes : int
            About how much to give; one message is given in any case, and never more
            than a thousand [bytes].

        Returns
        -------
        dict
            ``{sessions: {session_id: {feed_name: {address, first, next}}}}``, or
            ``{first, next, messages: [[message, feed_info], ...]}``, in which
            ``feed_info["seq"]`` is the number. Numbers from `after` to the last one in
            the answer that are not in it are lost; so are all up to ``next`` if it
            holds no message.

        Raises
        ------
        ApplicationError
            If `after` or `max_bytes` is no number.
        """
        if feed_name is None:
            return {"sessions": self._index()}
        if not is_number(after) or not is_number(max_bytes):
            raise ApplicationError(
                "wamp.error.invalid_argument",
                f"'after' and 'max_bytes' have to be numbers, not {after!r} and {max_bytes!r}",
            )
        room_bytes = min(max_bytes, MOST_ANSWER_BYTES)
        if session_id is None or session_id == self.session_id:
            feed = self.feeds.get(feed_name) if isinstance(feed_name, str) else None
            if feed is None:
                return dict(NO_MESSAGES)
            messages = _within(feed.spool.messages(after), room_bytes)
            return {"first": feed.spool.first, "next": feed.next_number, "messages": messages}
        past = self._past.feed(str(session_id), str(feed_name))
        if past is None:
            return dict(NO_MESSAGES)
        messages = _within(past.messages(after), room_bytes)
        return {"first": past.first, "next": past.next, "messages": messages}

    def in_memory(self, folder: Path | None, error: OSError | None) -> None:
        """Say once that messages are kept in memory."""
        if not self._in_memory and error is not None:
            self._log.warn(
                "cannot keep messages in {folder}: {error}; they are kept in memory until that is "
                "possible, and lost when the agent is killed before",
                folder=self._place,
                error=error,
            )
        elif not self._in_memory:
            self._log.info(
                "messages of the last minutes are kept in memory only, because the agent was not "
                "started by ocsd"
            )
        self._in_memory.add(folder)

    def on_disk(self, folder: Path) -> None:
        """Say that messages are kept on disk again, and remove old ones."""
        if folder in self._in_memory:
            self._in_memory.discard(folder)
            if not self._in_memory:
                self._log.info("messages are kept in {folder} again", folder=self._place)
        self._tend()

    def not_removed(self, path: Path, error: OSError) -> None:
        """Say once that old messages cannot be deleted."""
        if not self._said_not_removed:
            self._said_not_removed = True
            self._log.warn(
                "cannot delete old messages in {path}: {error}; they take more room than the "
                "spool is allowed until that is possible, which is tried again and again",
                path=os.path.realpath(path),
                error=error,
            )

    @property
    def _place(self) -> str:
        """The folder, by the name that operators know."""
        return os.path.realpath(self._folder or "")

    def _index(self) -> dict[str, dict[str, dict[str, Any]]]:
        self._tend()
        sessions: dict[str, dict[str, dict[str, Any]]] = {
            session_id: {
                name: {"address": feed.info.get("address"), "first": feed.first, "next": feed.next}
                for name, feed in feeds.items()
            }
            for session_id, feeds in self._past.sessions().items()
        }
        sessions[self.session_id] = {
            name: {"address": feed.address, "first": feed.spool.first, "next": feed.next_number}
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


def _folder_name(feed_name: str) -> str:
    # A slash is allowed in the name of a feed.
    return quote(feed_name, safe="", errors="replace")


def _within(messages: Iterable[SpooledMessage], room_bytes: float) -> list[list[Any]]:
    """Return the first messages, as many as there is room for, but at least one."""
    found: list[list[Any]] = []
    for message in islice(messages, MOST_ANSWER_MESSAGES):
        room_bytes -= message.size_bytes
        if found and room_bytes < 0:
            break
        found.append(message.pair())
    return found
