"""Whose aggregator records the feeds of this agent: a file of the daemon's says it, at any time.

The agent says it in the description of every message (``recorded_by``), so each aggregator knows
which messages are its own, whatever file of the site the others have read: a message is recorded
once, also while the key ``record`` of a host changes.
"""

import os
import time
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from ocsd.system.paths import RECORDED_BY_VARIABLE

RECORDED_BY: Final = "recorded_by"
"""Key of feed_info with the host whose aggregator records a message; without it, the site's."""

LOOK_EVERY_S: Final = 0.5
"""A message that is sent later than this after a change of the file says what the file says [s]."""

LONGEST_HOST_BYTES: Final = 256

RecorderSpan = list[int | str | None]
"""``[first, host]``: the host whose aggregator records the messages from a number on."""


class NumberedFeed(Protocol):
    """A feed that numbers its messages."""

    next_number: int


class RecordedBy:
    """The host whose aggregator records this agent's messages, and from which number on.

    Parameters
    ----------
    feeds : mapping of str to NumberedFeed
        The recorded feeds of this life, by name.
    path : str, optional
        The file; None or empty leaves all to the site's aggregator.
    monotonic : callable
        Returns the monotonic time [s].

    Attributes
    ----------
    stamp : dict
        The addition to the description of a message; empty for the site's aggregator.
    """

    def __init__(
        self,
        feeds: Mapping[str, NumberedFeed],
        path: str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.stamp: dict[str, str] = {}
        self._feeds = feeds
        self._path = os.environ.get(RECORDED_BY_VARIABLE) if path is None else path
        self._monotonic = monotonic
        self._looked_s = -LOOK_EVERY_S
        self._seen: tuple[int, int] | None = None
        self._spans: dict[str, list[RecorderSpan]] = {}
        self.look()

    def look(self) -> None:
        """Take a change of the file over; call it before each message (reactor thread)."""
        if not self._path:
            return
        now_s = self._monotonic()
        if now_s - self._looked_s < LOOK_EVERY_S:
            return
        self._looked_s = now_s
        try:
            status = os.stat(self._path)
            seen = (status.st_ino, status.st_mtime_ns)
            if seen != self._seen:
                self._take(told(self._path))
                self._seen = seen
        except OSError:
            return  # What was told last goes on.

    def begin(self, feed_name: str) -> None:
        """Register that a feed sends a message, perhaps its first."""
        if feed_name not in self._spans:
            self._spans[feed_name] = [[0, self.stamp.get(RECORDED_BY)]]

    def spans(self, feed_name: str) -> list[RecorderSpan]:
        """Return who records a feed of this life; nothing if it is the site's aggregator."""
        return told_spans(self._spans.get(feed_name, []))

    def _take(self, name: str) -> None:
        before = self.stamp
        self.stamp = {RECORDED_BY: name} if name else {}
        if self.stamp == before:
            return
        for feed_name, spans in self._spans.items():
            spans.append([self._feeds[feed_name].next_number, name or None])


def told_spans(spans: list[RecorderSpan]) -> list[RecorderSpan]:
    """Return spans without those that begin as the one before goes on; nothing to tell is none."""
    kept: list[RecorderSpan] = []
    for first, host in spans:
        if not kept or kept[-1][1] != host:
            kept.append([first, host])
    if all(host is None for _, host in kept):
        return []
    return kept


def told(path: str) -> str:
    """Return what the file says: the name of a host, or nothing.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with open(path, "rb") as file:
        return file.read(LONGEST_HOST_BYTES).decode("utf-8", "replace").strip()
