"""The spools of this host's agents, from which the recorder reads what they publish.

An agent writes every message of a recorded feed to its spool before it publishes it. On the same
host the recorder reads the message there, so recording needs no router: live and catching up are
the same, reading on from the first number that is not recorded. A feed of a session is *local* as
soon as it has been read here. What the router brings of it is then left out.

Only messages come from here. That some are lost is never concluded from a spool: numbers that
exist and are not on the disk (they are in the agent's memory, or damaged, or removed) stay
missing, and their agent is asked for them (`ocsd.aggregator.fetching`); the source is not local
until there is more on the disk, because what is in memory ends with its agent. Nothing in a spool
is ever changed: only its agent removes messages.

The format of a spool is not safe against an author of ill will. So only folders of this process's
own user or of root are read; other agents are recorded over the router.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from ocsd.aggregator.incoming.spooled import SpooledRun
from ocsd.aggregator.incoming.tally import Log
from ocsd.aggregator.local.feed_tail import FeedTail, owners
from ocsd.aggregator.local.notices import Notices, Waking
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.aggregator.recording.recorder import Recorder
from ocsd.reactor.threads import the_reactor

READ_S: Final = 0.2
"""Time for which `read` goes on at most [s]: others wait meanwhile."""

LAST_READ_S: Final = 3.0
"""Time for reading what is left at the end [s]; the next start reads on."""

SCAN_EVERY_S: Final = 30.0
"""Period of looking for spools in any case [s]; notices tell of new ones at once."""

POLL_EVERY_S: Final = 1.0
"""The same without notices, and until there is a folder [s]."""


class LocalSpools:
    """Reads them; `close` and all others but `keys` belong to the recording thread.

    Parameters
    ----------
    folder : Path or None
        The folder of all spools of the host; None reads nothing.
    address_root : str
        Beginning of the agents' addresses.
    wake : callable
        Called in the reactor's thread when there is something new to `read`.

    Attributes
    ----------
    keys : set of SourceKey
        The sources that are local.
    messages : int
        Number of messages that were read here.
    """

    def __init__(
        self,
        folder: Path | None,
        address_root: str,
        wake: Callable[[], None],
        log: Log,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keys: set[SourceKey] = set()
        self.messages = 0
        self._folder = folder
        self._address_root = address_root
        self._log = log
        self._monotonic = monotonic
        self._tails: dict[str, FeedTail] = {}
        self._paths: dict[SourceKey, str] = {}
        self._faulty: set[str] = set()
        self._due: dict[str, None] = {}  # folders of feeds with something new, in order
        self._scanned_s: float | None = None
        self._is_root_watched = False  # It is made by the first agent.
        self._notices: Notices | None = None
        self._waking: Waking | None = None
        if folder is not None:
            self._begin_notices(wake)

    def read(self, recorder: Recorder) -> bool:
        """Record what is new; return whether there is more."""
        if self._folder is None:
            return False
        self._look(recorder)
        end_s = self._monotonic() + READ_S
        while self._due and not recorder.paused and self._monotonic() < end_s:
            self._read_feed(recorder, next(iter(self._due)))
        self._go_on()
        return bool(self._due) and not recorder.paused

    def read_feeds(self, recorder: Recorder, ends: Mapping[SourceKey, int]) -> None:
        """Record what is new of some sources, as far as they are local: it is not missing.

        All numbers of a source below its end exist.
        """
        for key, end in ends.items():
            path = self._paths.get(key)
            if path is not None and recorder.paused:
                self._due[path] = None
            elif path is not None and (not end or end - 1 not in recorder.seen(key)):
                self._read_feed(recorder, path)
                self._compare(recorder, path, end)

    def read_all(self, recorder: Recorder) -> None:
        """Record what agents have published until now, as far as there is time; then end."""
        end_s = self._monotonic() + LAST_READ_S
        self._scanned_s = None
        while self.read(recorder) and self._monotonic() < end_s:
            pass

    def has(self, feed_info: Mapping[str, Any]) -> bool:
        """Return whether a numbered message is of a local source; from any thread."""
        if not self.keys:
            return False
        try:
            return (feed_info.get("address"), feed_info.get("session_id")) in self.keys
        except TypeError:  # nonsense in place of a name
            return False

    def behind(self) -> set[SourceKey]:
        """Return the sources of which not all on the disk has been read."""
        due = self._due
        return {tail.key for path, tail in self._tails.items() if path in due or not tail.at_end}

    def close(self) -> None:
        """End the notices; no source is local any more."""
        self.keys.clear()
        self._end_notices()

    def _end_notices(self) -> None:
        if self._waking is not None and self._notices is not None:
            the_reactor().callFromThread(self._waking.close)
            the_reactor().callFromThread(self._notices.close)
            self._waking = self._notices = None

    def _begin_notices(self, wake: Callable[[], None]) -> None:
        try:
            self._notices = Notices()
        except OSError as error:
            self._without_notices(error)
        else:
            self._waking = Waking(self._notices.descriptor, wake)

    def _without_notices(self, error: OSError) -> None:
        self._log.warn(
            "the system has no notices left for the spools of {folder} ({error}), so they are read "
            "once a second; allow more (`sysctl fs.inotify`)",
            folder=str(self._folder),
            error=error.strerror or str(error),
        )
        self._end_notices()

    def _go_on(self) -> None:
        if self._waking is not None:
            the_reactor().callFromThread(self._waking.go_on)

    def _look(self, recorder: Recorder) -> None:
        """Find out which feeds have something new."""
        news: set[str] | None = set()
        if self._notices is not None:
            news = self._notices.take()
        if news is None or self._is_scan_due():
            self._scanned_s = self._monotonic()
            self._due |= dict.fromkeys(self._tails)
            self._scan(recorder)
        elif not news <= self._tails.keys():
            self._scan(recorder)
        self._due |= dict.fromkeys((news or set()) & self._tails.keys())

    def _is_scan_due(self) -> bool:
        every_s = POLL_EVERY_S
        if self._notices is not None and self._is_root_watched:
            every_s = SCAN_EVERY_S
        return self._scanned_s is None or self._monotonic() - self._scanned_s >= every_s

    def _scan(self, recorder: Recorder) -> None:
        """Find new feeds; a folder is watched before it is listed, so none is missed."""
        self._is_root_watched = self._watch(str(self._folder), is_feed=False)
        for instance in self._entries(str(self._folder)):
            with suppress(OSError):
                if os.stat(instance, follow_symlinks=False).st_uid not in owners():
                    continue
            for session in self._entries(instance):
                for feed in self._entries(session):
                    if feed not in self._tails:
                        self._add(recorder, feed)

    def _entries(self, folder: str) -> Iterator[str]:
        """Yield the folders in a folder, but those that agents keep for themselves."""
        self._watch(folder, is_feed=False)
        try:
            names = os.listdir(folder)
        except OSError:
            return  # It is not there yet, or gone; or another user's.
        for name in names:
            if not name.startswith("."):
                yield f"{folder}/{name}"

    def _watch(self, path: str, *, is_feed: bool) -> bool:
        """Ask for notices of a folder; return whether that was possible."""
        if self._notices is None:
            return False
        watch = self._notices.watch_folder
        if is_feed:
            watch = self._notices.watch_feed
        try:
            watch(path)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return False
        except OSError as error:
            self._without_notices(error)
            return False
        return True

    def _add(self, recorder: Recorder, path: str) -> None:
        instance, session_id, feed = map(unquote, path.split("/")[-3:])
        key = SourceKey(f"{self._address_root}.{instance}.feeds.{feed}", session_id)
        if os.path.isdir(path) and recorder.wants(key):
            self._tails[path] = FeedTail(path, key)
            self._paths[key] = path
            self._due[path] = None

    def _read_feed(self, recorder: Recorder, path: str) -> None:
        tail = self._tails[path]
        self._due.pop(path, None)
        if not recorder.wants(tail.key):
            self._forget(path)
            return
        self._watch(path, is_feed=True)  # before it is read, so nothing is missed
        try:
            self._record(recorder, tail, tail.read(recorder.seen(tail.key)))
        except OSError as error:
            tail.give_up()
            if isinstance(error, (FileNotFoundError, NotADirectoryError)):
                self._forget(path)
        except Exception as error:  # noqa: BLE001 # a defect of ours must not end the recording
            tail.give_up()
            tail.is_ours = False
            self._left_alone(path, error)
        if tail.is_ours and not tail.is_short:
            self.keys.add(tail.key)
        else:
            self.keys.discard(tail.key)
        if not tail.at_end:
            self._due[path] = None

    def _compare(self, recorder: Recorder, path: str, end: int) -> None:
        """Take a source for local only if its numbers up to `end` were on the disk."""
        tail = self._tails.get(path)
        if tail is not None and tail.at_end and end and end - 1 not in recorder.seen(tail.key):
            tail.is_short = True
            self.keys.discard(tail.key)

    def _record(self, recorder: Recorder, tail: FeedTail, runs: list[SpooledRun]) -> None:
        if not runs:
            return
        tail.is_short = False
        agent = tail.key.address.partition(".feeds.")[0]
        count = 0
        for run in runs:
            count += recorder.record_spooled(agent, tail.key, run)
        if recorder.paused:
            tail.rewind()
        else:
            self.messages += count

    def _left_alone(self, path: str, error: Exception) -> None:
        """Say once that a spool cannot be read, so its feed is recorded over the router."""
        if path in self._faulty:
            return
        self._faulty.add(path)
        self._log.warn(
            "{path} is recorded over the router: defect of ocsd: {error}",
            path=path,
            error=repr(error),
        )

    def _forget(self, path: str) -> None:
        tail = self._tails.pop(path)
        self._paths.pop(tail.key, None)
        self.keys.discard(tail.key)
        self._due.pop(path, None)
