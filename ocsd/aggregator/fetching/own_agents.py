"""The agents to which an aggregator listens: those of its host, or all of the site."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ocsd.aggregator.numbers.share import Share
from ocsd.system.classes import CALM_TOPIC, OWN_SHARE_TOPIC
from ocsd.system.paths import RECORDED_AGENTS, RECORDED_BY_VARIABLE


class OwnAgents:
    """Subscribes to the feeds that may have something to record (reactor thread).

    The aggregator of one host leaves the feeds of all other hosts to others. If it heard them
    nevertheless, the router would send each message once more for each such host, and a bridge
    would take all feeds of the site to its host. The daemon lists the agents in a file.

    Parameters
    ----------
    subscribe : callable
        Subscribes to a pattern, with the options as second argument.
    address_root : str
        Beginning of the agents' addresses.
    share : Share
        The messages that are recorded here.
    """

    def __init__(
        self, subscribe: Callable[[str, dict[str, str]], Any], address_root: str, share: Share
    ) -> None:
        self._subscribe = subscribe
        self._root = address_root
        self._heard: set[str] = set()
        self._stamp: tuple[int, int] | None = None
        told = os.environ.get(RECORDED_BY_VARIABLE)
        self._file: Path | None = None
        if told and not share.of_site:
            self._file = Path(told).with_name(RECORDED_AGENTS)
        if self._file is None or not self._file.exists():
            self._file = None
            subscribe(f"{address_root}..feeds.", {"match": "wildcard"})
            # So that bridges of hosts that record themselves need not bring their feeds.
            for mark in (OWN_SHARE_TOPIC, CALM_TOPIC) if share.of_site else ():
                subscribe(f"{address_root}.{mark}", {})
        self.look()

    def look(self) -> None:
        """Subscribe to the agents that have come to the file since it was read; call it often."""
        if self._file is None:
            return
        with suppress(OSError):  # it is replaced as a whole, so it will be there again
            status = self._file.stat()
            stamp = (status.st_ino, status.st_mtime_ns)
            if stamp == self._stamp:
                return
            for name in sorted({*self._file.read_text().split()} - self._heard):
                self._heard.add(name)
                self._subscribe(f"{self._root}.{name}.feeds.", {"match": "prefix"})
            self._stamp = stamp
