"""The log of this process: one line per event, with time, level and text."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from twisted.logger import LoggingFile, globalLogBeginner, globalLogPublisher

from ocsd.bus.wamp import txaio
from ocsd.log.lines import LEVEL_RANKS, LineObserver, log_formatter
from ocsd.log.printed import PrintedText
from ocsd.reactor.lookout import LOOKOUT

__all__ = ["LineObserver", "follow", "log_formatter", "set_level", "start"]

LEVEL_TRIES = 10
"""Attempts to change the level of all loggers; a logger made meanwhile hinders one."""


class ProcessLog:
    """The log of a process: started once, its level changed at any time."""

    def __init__(self) -> None:
        self._has_started = False
        self._observer: LineObserver | None = None
        self._usual_level = "info"
        self._wanted_level: str | None = None

    def start(self, level: str | None = None, stream: TextIO | None = None) -> None:
        """Begin to log; further calls have no effect.

        Text that agents print becomes lines of the log as well.

        Parameters
        ----------
        level : str, optional
            The lowest level: ``critical``, ``error``, ``warn``, ``info``, ``debug``;
            $LOGLEVEL or ``info`` by default.
        stream : file, optional
            Standard output by default.
        """
        if self._has_started:
            return
        self._has_started = True
        usual = (level or os.environ.get("LOGLEVEL") or "info").lower()
        if usual in LEVEL_RANKS:
            self._usual_level = usual
        lowest = self._wanted_level or self._usual_level
        self._observer = observer = LineObserver(stream or sys.__stdout__ or sys.stdout, lowest)
        # An agent's own txaio.start_logging() may have come first; its lines have
        # another form and would double ours.
        foreign = getattr(txaio.tx, "_observer", None)
        if foreign is not None:
            globalLogPublisher.removeObserver(foreign)
        _begin(lowest)
        _take_unfinished_lines()
        globalLogPublisher.addObserver(observer)  # type: ignore[arg-type] # zope's interface

    def set_level(self, level: str | None) -> None:
        """Log from this level on, None for that of the start; from any thread, at any time."""
        self._wanted_level = level
        if self._observer is None:
            return
        lowest = level or self._usual_level
        self._observer.set_level(lowest)
        for _ in range(LEVEL_TRIES):
            with suppress(RuntimeError):
                txaio.set_global_log_level(lowest)
                break
        txaio.make_logger().info("the level of this log is {lowest}", lowest=lowest)

    def follow(self, level: str = "info") -> None:
        """Send messages of agents and of autobahn to the log that this process has already."""
        self._has_started = True
        txaio.set_global_log_level(level)


def _begin(level: str) -> None:
    """Do as ``txaio.start_logging``, which sets the level of all loggers also if they have it.

    In a forked agent these are the loggers of all libraries, in memory that is shared.
    """
    if level != txaio.get_global_log_level() or txaio.tx._started_logging:  # noqa: SLF001 - see below
        txaio.start_logging(out=None, level=level)
        return
    txaio.tx._started_logging = True  # noqa: SLF001 - an agent's own call has to know
    globalLogBeginner.beginLoggingTo([])


def _take_unfinished_lines() -> None:
    """Let text that is flushed without a newline be in the log as well."""
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if isinstance(stream, LoggingFile):
            printed = PrintedText(stream, descriptor=descriptor)
            setattr(sys, name, printed)
            LOOKOUT.add(printed.write_due)


_LOG = ProcessLog()
start = _LOG.start
set_level = _LOG.set_level
follow = _LOG.follow


def also_to(folder: Path, name: str) -> None:
    """Append to a file in ``--log-dir`` as well, if the folder exists and can be written."""
    try:
        stream = (folder / name).open("a", encoding="utf-8")
    except OSError as error:
        txaio.make_logger().error("no log file in --log-dir: {error}", error=error)
        return
    globalLogPublisher.addObserver(LineObserver(stream))  # type: ignore[arg-type] # zope's interface
