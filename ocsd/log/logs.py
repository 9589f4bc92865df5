"""One line per event on standard output: time, level, text."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from twisted.logger import globalLogPublisher

from ocsd.bus.wamp import txaio
from ocsd.log.lines import LEVEL_RANKS, LineObserver, log_formatter

__all__ = ["LineObserver", "follow", "log_formatter", "start"]


# A logger that is made at the same moment hinders the change of all loggers' level.
LEVEL_TRIES = 10


class _Started:
    yet = False
    observer: LineObserver | None = None
    usual_level = "info"
    wanted_level: str | None = None


def start(level: str | None = None, stream: TextIO | None = None) -> None:
    """Begin to log; further calls have no effect.

    What agents print becomes lines of the log as well.

    Parameters
    ----------
    level : str, optional
        The lowest level: ``critical``, ``error``, ``warn``, ``info``, ``debug``;
        $LOGLEVEL or ``info`` by default.
    stream : file, optional
        Where to write; standard output by default.
    """
    if _Started.yet:
        return
    _Started.yet = True
    wanted = (level or os.environ.get("LOGLEVEL") or "info").lower()
    _Started.usual_level = wanted if wanted in LEVEL_RANKS else "info"
    lowest = _Started.wanted_level or _Started.usual_level
    _Started.observer = observer = LineObserver(stream or sys.__stdout__ or sys.stdout, lowest)
    # An agent's own txaio.start_logging() may have come first; its lines have
    # another form and would double ours.
    foreign = getattr(txaio.tx, "_observer", None)
    if foreign is not None:
        globalLogPublisher.removeObserver(foreign)
    txaio.start_logging(out=None, level=lowest)
    globalLogPublisher.addObserver(observer)  # type: ignore[arg-type] # zope's interface


def set_level(level: str | None) -> None:
    """Log from this level on; from any thread, also before `start`.

    Parameters
    ----------
    level : str or None
        As for `start`; None for what it was started with.
    """
    _Started.wanted_level = level
    if _Started.observer is None:
        return
    lowest = level or _Started.usual_level
    _Started.observer.set_level(lowest)
    for _ in range(LEVEL_TRIES):
        with suppress(RuntimeError):
            txaio.set_global_log_level(lowest)
            break
    txaio.make_logger().info("the level of this log is {lowest}", lowest=lowest)


def also_to(folder: Path, name: str) -> None:
    """Log to a file as well, if its folder exists and can be written.

    Parameters
    ----------
    folder : Path
        The agent's ``--log-dir``.
    name : str
        Name of the file, which is appended to.
    """
    try:
        stream = (folder / name).open("a", encoding="utf-8")
    except OSError as error:
        txaio.make_logger().error("no log file in --log-dir: {error}", error=error)
        return
    globalLogPublisher.addObserver(LineObserver(stream))  # type: ignore[arg-type] # zope's interface


def follow(level: str = "info") -> None:
    """Send the messages of agents and of autobahn to where this process logs already.

    Parameters
    ----------
    level : str
        The lowest level.
    """
    _Started.yet = True
    txaio.set_global_log_level(level)
