"""The cursor of a writer: the places up to which the database has everything."""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from ocsd.journal import JournalPlace
from ocsd.system import files


class FilePlace(NamedTuple):
    """A place in the G3 files of a data folder."""

    name: str
    """Name of a file within the data folder, such as ``17953/1795328225.g3``."""
    offset: int
    """Bytes of it that are before the place."""

    @property
    def key(self) -> tuple[float, int]:
        """Sorts places: files are named by the time at which they were begun."""
        return opened_at(self.name), self.offset


def opened_at(name: str) -> float:
    """Return when a file of this name was begun [Unix s]; 0 if its name does not say so."""
    stem = Path(name).stem
    return float(stem) if stem.isdigit() else 0.0


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the journal, and what was in files when the recorder was there."""

    place: JournalPlace | None = None
    """None: before the oldest entry."""
    framed: FilePlace | None = None
    """All frames before it hold only messages that stand before `place`; None if unknown."""


@dataclass(frozen=True, slots=True)
class JournalSpan:
    """A part of the journal that is still to be written."""

    begin: Position
    until: JournalPlace | None = None
    """None: where the newest entries begin, which is not known yet."""

    @property
    def begin_at(self) -> float:
        """Time of the newest entry before it [Unix s]; 0 if there is none."""
        if self.begin.place is None:
            return 0.0
        return self.begin.place.at


@dataclass(frozen=True, slots=True)
class FileSpan:
    """A part of the files that is still to be written."""

    begin: FilePlace
    until: FilePlace

    @property
    def begin_at(self) -> float:
        """When the file in which it begins was begun [Unix s]: it holds nothing much older."""
        return opened_at(self.begin.name)


@dataclass(frozen=True, slots=True)
class Cursor:
    """All that is still to be written."""

    live: Position = Position()
    """Everything behind it; before it, only the spans."""
    spans: tuple[JournalSpan | FileSpan, ...] = ()
    """In the order in which they are written."""

    @property
    def complete_at(self) -> float:
        """Time before which nothing is left to be written [Unix s]; 0 if it is not known."""
        times = [span.begin_at for span in self.spans]
        if self.live.place is not None:
            times.append(self.live.place.at)
        return min(filter(None, times), default=0.0)

    def settled(self) -> "Cursor":
        """Return a cursor to begin with: without a leap to newest entries that never came."""
        if self.live.place is not None or not self.spans:
            return self
        *others, last = self.spans
        if isinstance(last, JournalSpan) and last.until is None:
            return replace(self, live=last.begin, spans=tuple(others))
        return self


class CursorFile:
    """Keeps a cursor on disk, and the acknowledged ones that are too young for it.

    Parameters
    ----------
    path : Path
        The file.
    settle_s : float
        Time after which the database has what it acknowledged on its disk [s].
    """

    def __init__(self, path: Path, settle_s: float = 0.0) -> None:
        self._path = path
        self._settle_s = settle_s
        self._young: deque[tuple[float, Cursor]] = deque()
        self._written: Cursor | None = None
        self._is_loaded = False
        self.safe: Cursor | None = None

    def load(self) -> str:
        """Read the cursor; return why an earlier one is lost, empty if it is not.

        Raises
        ------
        OSError
            If there is one that cannot be read; the next call tries it again.
        """
        if self._is_loaded:
            return ""
        lost = ""
        try:
            self.safe = decoded(json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            pass  # the first start
        except OSError as error:
            raise OSError(
                f"the cursor cannot be read ({error}); nothing is written until it can be: correct "
                "its owner and rights"
            ) from error
        except (ValueError, TypeError, KeyError) as error:
            aside = self._path.with_name(f"{self._path.name}.damaged")
            self._path.replace(aside)
            lost = f"the cursor is damaged ({error}), and was moved to {aside}"
        self._is_loaded = True
        return lost

    def acknowledge(self, cursor: Cursor, now_s: float) -> None:
        """Take in what the database has acknowledged up to now [s, monotonic].

        The first cursor of all is the one to begin with, before anything is written.
        """
        if self.safe is None:
            self.safe = cursor
            return
        self._young.append((now_s, cursor))
        while self._young and now_s - self._young[0][0] >= self._settle_s:
            self.safe = self._young.popleft()[1]

    def forget_young(self) -> None:
        """Take the database as having nothing but what it has on its disk for certain."""
        self._young.clear()

    def save(self) -> None:
        """Write the newest safe cursor to the disk.

        Raises
        ------
        OSError
            If it cannot be written; the next call tries it again.
        """
        if self.safe is None or self.safe == self._written:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        files.replace(self._path, json.dumps(encoded(self.safe)).encode(), durable=True)
        self._written = self.safe


def encoded(cursor: Cursor) -> dict[str, Any]:
    """Return a cursor as JSON can hold it."""
    return {
        "live": _position(cursor.live),
        "spans": [_span(each) for each in cursor.spans],
    }


def decoded(found: Mapping[str, Any]) -> Cursor:
    """Return the cursor that `encoded` has made JSON of.

    Raises
    ------
    TypeError, KeyError
        If it is something else.
    """
    spans: list[JournalSpan | FileSpan] = []
    for each in found["spans"]:
        if "from" in each:
            spans.append(FileSpan(FilePlace(*each["from"]), FilePlace(*each["to"])))
        else:
            spans.append(JournalSpan(_read_position(each["begin"]), _read_place(each["until"])))
    return Cursor(_read_position(found["live"]), tuple(spans))


def _span(span: JournalSpan | FileSpan) -> dict[str, Any]:
    match span:
        case FileSpan(begin, until):
            return {"from": begin, "to": until}
        case JournalSpan(start, end):
            return {"begin": _position(start), "until": end}


def _position(position: Position) -> dict[str, Any]:
    return {"place": position.place, "framed": position.framed}


def _read_position(found: Mapping[str, Any]) -> Position:
    framed = found["framed"]
    if framed is not None:
        framed = FilePlace(*framed)
    return Position(_read_place(found["place"]), framed)


def _read_place(found: list[Any] | None) -> JournalPlace | None:
    return JournalPlace(*found) if found is not None else None
