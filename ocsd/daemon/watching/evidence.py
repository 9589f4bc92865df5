"""Noticing that what an instance failed of is over, so that it is tried at once."""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory, Protocol

DEVICE_CONNECT_LIMIT_S: Final = 1.0

Held = bool | None
"""Whether a condition holds; None as long as that is not known."""


class Evidence:
    """What one instance that waits for another try waits for.

    It counts only if it was not there when the instance failed.

    Parameters
    ----------
    conditions : iterable of str
        Its ``retry-when``, e.g. ``tcp://device:4001``.
    code : Path or None
        The file of its agent class; every ``.py`` file beside it belongs to it.
    reactor : IReactorTime, IReactorTCP
        Asks devices.
    """

    def __init__(self, conditions: Iterable[str], code: Path | None, reactor: Any) -> None:
        self._reactor = reactor
        self._held: dict[str, Held] = dict.fromkeys(conditions)
        self._came: list[str] = []
        self._asked: set[str] = set()
        self._code = code
        self._before = written_at(code)

    def check(self) -> str:
        """Look once more, and return what has changed for the better; empty if nothing."""
        for condition in self._held:
            self._check(condition)
        if self._came:
            return f"{self._came[0]} holds now"
        now = written_at(self._code)
        changed = sorted(file for file in now if self._before.get(file) != now[file])
        return f"{changed[0]} changed" if changed else ""

    def _check(self, condition: str) -> None:
        parts = urlsplit(condition)
        if parts.scheme == "file":
            self._note(condition, os.path.exists(parts.path))
        elif condition not in self._asked:
            self._asked.add(condition)
            note = partial(self._answered, condition)
            asks(str(parts.hostname), int(parts.port or 0), self._reactor, note)

    def _answered(self, condition: str, holds: bool) -> None:
        self._asked.discard(condition)
        self._note(condition, holds)

    def _note(self, condition: str, holds: bool) -> None:
        if holds and self._held[condition] is False:
            self._came.append(condition)
        self._held[condition] = holds


def asks(host: str, port: int, reactor: Any, answered: Callable[[bool], None]) -> None:
    """Find out whether somebody accepts connections.

    Parameters
    ----------
    host, port : str, int
        Where.
    reactor : IReactorTime, IReactorTCP
        Connects.
    answered : callable
        Is told, later.
    """
    endpoint: Any = HostnameEndpoint(reactor, host, port, timeout=DEVICE_CONNECT_LIMIT_S)
    factory: Any = Factory.forProtocol(Protocol)
    factory.noisy = False

    def connected(protocol: Any) -> None:
        protocol.transport.abortConnection()
        answered(True)

    endpoint.connect(factory).addCallbacks(connected, lambda _: answered(False))


def written_at(code: Path | None) -> Mapping[Path, int]:
    """Return when each file of an agent was written [ns, Unix time]; none if there are none."""
    if code is None:
        return {}
    found = {}
    for file in {code, *code.parent.glob("*.py")}:
        try:
            found[file] = file.stat().st_mtime_ns
        except OSError:
            continue  # gone since it was listed
    return found
