"""The form of a log line: time, level, text."""

import datetime
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TextIO

from twisted.logger import ILogObserver, formatEvent
from zope.interface import implementer

from ocsd.text.frames import traceback_text
from ocsd.text.logins import without_logins

LEVEL_RANKS = {"critical": 4, "error": 3, "warn": 2, "info": 1, "debug": 0, "trace": 0}

NOISY_TEMPLATES = frozenset({"Starting factory {factory!r}", "Stopping factory {factory!r}"})
"""Lines that Twisted logs as info for every connection, and that belong to debug."""


def log_formatter(event: dict[str, Any]) -> str:
    """Return the line for an event: ``2026-11-22T07:33:01.123Z [info] text``.

    Further lines of a text or of a traceback are indented. Every other line begins an
    event.
    """
    # Authors use it for observers of their own, whose events may lack some keys.
    moment = datetime.datetime.fromtimestamp(event.get("log_time", time.time()), datetime.UTC)
    level = _level_of(event)
    stamp = moment.isoformat(timespec="milliseconds").removesuffix("+00:00")
    text = without_logins(_text(event)).rstrip("\n").replace("\n", "\n  ")
    return f"{stamp}Z [{level}] {text}\n"


@implementer(ILogObserver)
class LineObserver:
    """Writes events of a level and above to a stream."""

    def __init__(self, stream: TextIO, level: str = "info") -> None:
        self._stream = stream
        self.set_level(level)

    def set_level(self, level: str) -> None:
        """Write events of this level and above from now on; from any thread."""
        self._lowest = LEVEL_RANKS[level]

    def __call__(self, event: dict[str, Any]) -> None:
        """Write one event, unless its level is too low."""
        if LEVEL_RANKS.get(_level_of(event), 1) >= self._lowest:
            self._stream.write(log_formatter(event))
            self._stream.flush()


def _level_of(event: Mapping[str, Any]) -> str:
    if event.get("log_format") in NOISY_TEMPLATES:
        return "debug"
    return getattr(event.get("log_level"), "name", "info")


def _text(event: dict[str, Any]) -> str:
    template = event.get("log_format")
    text = _formatted(template, event)
    if template and (not text or text.startswith("Unable to format event")):
        # Authors log texts that happen to have braces in them.
        text = str(template)
    failure = event.get("log_failure")
    if failure is None:
        return text
    return "\n".join(filter(None, (text, _traceback_of(failure))))


def _formatted(template: object, event: dict[str, Any]) -> str:
    """Return what Twisted makes of an event; of most events in a tenth of the time."""
    if type(template) is str and "(" not in template and "log_flattened" not in event:
        with suppress(Exception):  # an author's object may do anything; Twisted says what
            return template.format_map(event)
    return formatEvent(event)


def _traceback_of(failure: Any) -> str:
    """Return the traceback of a failure, from the author's first call on."""
    try:
        return traceback_text(failure.value, failure.value.__traceback__)
    except Exception:  # noqa: BLE001 - an author's exception may do anything
        return str(failure.getTraceback())
