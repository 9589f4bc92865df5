"""Notices that the cause of a failure is over, so that the instance is retried at once."""

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory, Protocol

DEVICE_CONNECT_LIMIT_S: Final = 1.0

Held = bool | None
"""Whether a condition holds; None until that is known."""


class Evidence:
    """The conditions that let one failed or backed-off instance be retried early.

    A condition counts only if it did not hold when the instance failed.

    Parameters
    ----------
    conditions : iterable of str
        Its ``retry-when``, e.g. ``tcp://device:4001``.
    code : str
        The file of its agent class, if known; every ``.py`` file beside it belongs to it.
    reactor : IReactorTime, IReactorTCP
        Connects to devices.
    """

    def __init__(self, conditions: Iterable[str], code: str, reactor: Any) -> None:
        self._reactor = reactor
        self._held: dict[str, Held] = dict.fromkeys(conditions)
        self._came: list[str] = []
        self._asked: set[str] = set()
        self._code = code
        self._before = written_at(code)

    def check(self) -> str:
        """Return the change that makes a retry worthwhile; empty if there is none."""
        for condition in self._held:
            self._check(condition)
        if self._came:
            return f"{self._came[0]} holds now"
        now = written_at(self._code)
        changed = (f"{file} changed" for file in sorted(now) if self._before.get(file) != now[file])
        return next(changed, "")

    def _check(self, condition: str) -> None:
        parts = urlsplit(condition)
        if parts.scheme == "file":
            self._record(condition, os.path.exists(parts.path))
        elif condition not in self._asked:
            self._asked.add(condition)
            answered = partial(self._answered, condition)
            try_connection(str(parts.hostname), int(parts.port or 0), self._reactor, answered)

    def _answered(self, condition: str, holds: bool) -> None:
        self._asked.discard(condition)
        self._record(condition, holds)

    def _record(self, condition: str, holds: bool) -> None:
        if holds and self._held[condition] is False:
            self._came.append(condition)
        self._held[condition] = holds


def try_connection(host: str, port: int, reactor: Any, answered: Callable[[bool], None]) -> None:
    """Find out whether a device accepts connections, and call `answered` with the result."""
    endpoint: Any = HostnameEndpoint(reactor, host, port, timeout=DEVICE_CONNECT_LIMIT_S)
    factory: Any = Factory.forProtocol(Protocol)
    factory.noisy = False

    def connected(protocol: Any) -> None:
        protocol.transport.abortConnection()
        answered(True)

    endpoint.connect(factory).addCallbacks(connected, lambda _: answered(False))


def written_at(code: str) -> Mapping[Path, int]:
    """Return when each file of an agent was last written [ns, Unix time]."""
    times: dict[Path, int] = {}
    if code:
        for file in {Path(code), *Path(code).parent.glob("*.py")}:
            with suppress(OSError):  # gone since it was listed
                times[file] = file.stat().st_mtime_ns
    return times
