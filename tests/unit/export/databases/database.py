"""A database in memory, and how what it holds is compared with files."""

import re
from concurrent.futures import Executor, Future
from pathlib import Path

from ocsd.export.databases.cursor import FilePlace, FileSpan
from ocsd.export.databases.delivery import LinesRefusedError
from ocsd.export.databases.destination import DatabaseAwayError
from ocsd.export.databases.lines import lines_of, single_fields
from ocsd.export.databases.trails import frames, names_of_files

_LINE = re.compile(r"(.+) (.+)=(.*) (-?\d+)", re.DOTALL)


class MemoryDatabase:
    """Keeps values by series, field and time, and refuses what breaks a rule of `refuses`."""

    name = "http://memory:8086"
    in_words = "database feeds at http://memory:8086"

    def __init__(self):
        self.values = {}
        self.away = False
        self.refuses = {}
        self.writes = 0
        self.arrived = 0

    def prepare(self):
        if self.away:
            raise DatabaseAwayError("the database at http://memory:8086 does not answer: refused")

    def write(self, text):
        self.prepare()
        self.writes += 1
        reason = next((self.refuses[each] for each in self.refuses if each in text), "")
        if reason:
            raise LinesRefusedError(reason)
        lines = text.removesuffix("\n").split("\n")
        lines = [line for line in lines if not line.startswith("#")]
        self.arrived += len(lines)
        self.values.update(values_in(lines))

    def close(self):
        pass


class AtOnce(Executor):
    """Does what it is given at once."""

    def submit(self, work, /, *arguments, **named):
        done = Future()
        try:
            done.set_result(work(*arguments, **named))
        except DatabaseAwayError as error:
            done.set_exception(error)
        return done


def values_in(lines):
    """Return the values of lines by series, field and time."""
    found = {}
    for line in lines:
        for single in single_fields(line):
            series, field, value, time = _parts(single)
            found[series, field, int(time)] = value
    return found


def _parts(single):
    """Return what `_LINE` finds, in half of the time unless a value has spaces."""
    head, _, time = single.rpartition(" ")
    series, _, rest = head.rpartition(" ")
    field, _, value = rest.rpartition("=")
    if not (series and field):
        return _LINE.fullmatch(single).groups()
    return series, field, value, time


def values_of_files(folder: Path):
    """Return what a database has to hold if it has all that is in the files of a folder."""
    names = names_of_files(folder)
    end = FilePlace(names[-1], (folder / names[-1]).stat().st_size)
    found = {}
    for samples, _ in frames(folder, FileSpan(FilePlace(names[0], 0), end)):
        for each in samples:
            found |= values_in(lines_of(each))
    return found
