"""Writes the logs of a host to standard output as JSON, one object a line.

``ocsd start --log-format json`` runs it beside the daemon: ``python -m ocsd.log.outward HOST
FOLDER PLACES``. It reads the log files, so it sees every line of the agents, also what they and
their libraries print, and a reader of its output that is slow delays nobody. It ends, after the
last line, when its standard input ends. The file PLACES holds how much of each log was written;
its successor goes on there, so that no line is missing, and at most those of the last second are
written twice.
"""

import contextlib
import datetime
import fcntl
import io
import json
import os
import re
import select
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, TextIO

from ocsd.log.log_lines import UNSAID, LineReader, LogLine, events
from ocsd.log.logfile import Follower

FOLLOW_PERIOD_S: Final = 0.25
_TRACEBACK: Final = re.compile(r"^ *Traceback \(most recent call last\):", re.MULTILINE)
# 2026-11-29T20:24:00+0000 [Router      4121 crossbar.router] text
_CROSSBARS: Final = re.compile(r"\[(?P<logger>\w+ +\d+[^\]]*)\] ?")


def entry(event: Sequence[LogLine], host: str | None, now_at: float) -> dict[str, Any]:
    """Return an event of a log as JSON for collectors of logs.

    Parameters
    ----------
    event : sequence of LogLine
        A line with a time and those that belong to it, or lines that a program without a logger
        wrote.
    host : str, optional
        The host's name in the site file.
    now_at : float
        The time of lines that have none [s, Unix time].
    """
    first = event[0]
    at = now_at
    if written_at := first.begins and first.at:
        at = written_at
    text = "\n".join([first.message, *(line.text.removeprefix("  ") for line in event[1:])])
    logger = _CROSSBARS.match(text)
    if logger is not None:
        text = text[logger.end() :]
    message, traceback = _parted(text)
    found = {
        "time": _with_zone(at),
        "host": host,
        "instance": first.name,
        "level": first.level or UNSAID.get(first.name, "info"),
        "message": message,
    }
    if logger is not None:
        found["logger"] = " ".join(logger["logger"].split())
    if traceback:
        found["traceback"] = traceback
    return found


def said(host: str | None, level: str, message: str, at: float) -> dict[str, Any]:
    """Return a line of the daemon that stands in no log."""
    return entry([LogLine("ocsd", message, None, level, begins=False)], host, at)


def _parted(text: str) -> tuple[str, str]:
    """Return the message of an event and its traceback; the error itself if it has no message."""
    found = _TRACEBACK.search(text)
    if found is None:
        return text.lstrip("\n").rstrip(), ""
    traceback = text[found.start() :].strip("\n")
    message = text[: found.start()].lstrip("\n").rstrip() or traceback.rpartition("\n")[2]
    return message, traceback


def _with_zone(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="milliseconds")


class _Log:
    """One log: its reader, and the last event, which may have more lines to come."""

    def __init__(self, path: Path, place: Sequence[int] | None, *, is_new: bool) -> None:
        self.follower = Follower(path, 0)
        if place is not None:
            self.follower.go_to(*place)
        elif is_new:
            self.follower.go_to(0, 0)
        self._reader = LineReader(path.stem, self.follower, follow=True)
        self._open: list[LogLine] = []

    def fresh(self) -> list[list[LogLine]]:
        """Return the events that are complete: another one follows, or nothing since the last."""
        lines = list(self._reader.fresh())
        if not lines and not self._open:
            return []
        found = list(events([*self._open, *lines]))
        self._open = []
        if lines:
            self._open = found.pop()
        return found

    @property
    def is_written(self) -> bool:
        """Whether all that was read has been returned."""
        return not self._open


class OutwardLogs:
    """Reads all logs of a folder, and writes their events.

    Parameters
    ----------
    host : str
        The host's name.
    folder : Path
        The folder of its logs.
    places : Path
        The file that holds how much of each log was written.
    stream : TextIO
        Takes a JSON object a line.
    """

    def __init__(self, host: str, folder: Path, places: Path, stream: TextIO) -> None:
        self._host = host
        self._folder = folder
        self._file = places
        self._stream = stream
        self._places: dict[str, Sequence[int]] = _read(places)
        self._logs: dict[Path, _Log] = {}
        self._find(is_new=False)

    def write_fresh(self) -> None:
        """Write what is new; the events of several logs in the order of their times."""
        self._find(is_new=True)
        found = [event for log in self._logs.values() for event in log.fresh()]
        for event in sorted(found, key=lambda event: event[0].order_at):
            told = entry(event, self._host, time.time())
            if told["message"]:  # Some lines, as of crossbar, are empty.
                self._stream.write(f"{json.dumps(told, ensure_ascii=False)}\n")
        self._stream.flush()
        self._remember()

    def _find(self, *, is_new: bool) -> None:
        for path in sorted(self._folder.glob("*.log")):
            if path not in self._logs:
                self._logs[path] = _Log(path, self._places.get(path.name), is_new=is_new)

    def _remember(self) -> None:
        known = {
            path.name: log.follower.place for path, log in self._logs.items() if log.is_written
        }
        if all(self._places.get(name) == place for name, place in known.items()):
            return
        places = self._places | known
        beside = self._file.with_suffix(".new")
        # On a full disk it goes on: it would otherwise begin again with lines that it has written.
        with contextlib.suppress(OSError):
            beside.write_text(json.dumps(places))
            beside.replace(self._file)
            self._places = places


def _read(places: Path) -> dict[str, Sequence[int]]:
    """Return the places; none if the file is missing or broken, so that new lines count."""
    try:
        found = json.loads(places.read_text())
        return {str(name): (int(inode), int(number)) for name, (inode, number) in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def main(words: Sequence[str]) -> int:
    """Write until standard input ends; return the exit code."""
    host, folder, places = words
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Whatever the locale is: JSON is UTF-8.
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    with Path(places).with_suffix(".lock").open("w") as lock:
        # Its predecessor may still write the last lines.
        fcntl.flock(lock, fcntl.LOCK_EX)
        logs = OutwardLogs(host, Path(folder), Path(places), sys.stdout)
        try:
            while not select.select([0], [], [], FOLLOW_PERIOD_S)[0]:
                logs.write_fresh()
            # Twice, because an event is complete when nothing has followed it.
            logs.write_fresh()
            logs.write_fresh()
        except BrokenPipeError:
            # Nobody reads any more, and Python would try once again at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
