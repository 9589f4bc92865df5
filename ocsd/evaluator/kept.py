"""The memory of the evaluator: one small file, replaced as a whole at each change."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from ocsd.alarms import view
from ocsd.alarms.board import AlarmBoard, AlarmEntry
from ocsd.alarms.outbox import Outbox, outbox_from_json
from ocsd.evaluator.pages import AlarmPages
from ocsd.system import files

MOST_ENDED: Final = 50
"""Deliveries that are over and still shown."""


@dataclass(frozen=True, slots=True)
class KeptAlarms:
    """All that the next evaluator has to know."""

    number: int = 0
    """Grows with each version: of two files the newer one counts."""
    origin: str = ""
    """Makes the keys of messages differ from those of any other folder."""
    sequence: int = 0
    """The number of the last message."""
    saved_at: float = 0.0
    begun_at: float = 0.0
    """Since when feeds are listened for without a gap [s, Unix time]."""
    board: Mapping[str, Any] = field(default_factory=dict)
    pages: AlarmPages = field(default_factory=AlarmPages)
    outbox: Outbox = field(default_factory=Outbox)
    ended: tuple[Mapping[str, Any], ...] = ()
    """The rows of the last deliveries that are over, the oldest first."""
    unrecorded: tuple[Mapping[str, Any], ...] = ()
    """Entries of the history that the daemon does not have yet."""

    def to_bytes(self) -> bytes:
        """Return the content of the file."""
        told = {
            "number": self.number,
            "origin": self.origin,
            "sequence": self.sequence,
            "saved_at": self.saved_at,
            "begun_at": self.begun_at,
            "board": self.board,
            "pages": self.pages.to_json(),
            "outbox": self.outbox.to_json(),
            "ended": self.ended,
            "unrecorded": self.unrecorded,
        }
        return json.dumps(told).encode() + b"\n"

    def over(self, rows: Iterable[Mapping[str, Any]]) -> "KeptAlarms":
        """Return it with deliveries that are over now."""
        return replace(self, ended=(*self.ended, *rows)[-MOST_ENDED:])


def read_kept(places: Sequence[Path], *, is_owner: bool = False) -> tuple[KeptAlarms, str]:
    """Return what was kept, of several places the newest, and what is wrong with the others.

    The owner moves a file that cannot be understood aside: it must not overwrite that.
    """
    best, faults = KeptAlarms(), list[str]()
    for path in places:
        try:
            found = _read(json.loads(path.read_bytes()))
        except FileNotFoundError:
            continue
        except OSError as error:
            faults.append(f"cannot read {path}: {error.strerror}; its alarms begin anew")
            continue
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            faults.append(f"cannot understand {path} ({error}), so its alarms begin anew")
            if is_owner:
                with suppress(OSError):
                    path.replace(path.with_name(f"{path.name}.unreadable"))
            continue
        if found.number >= best.number:
            best = found
    return best, "; ".join(faults)


def _read(told: Mapping[str, Any]) -> KeptAlarms:
    return KeptAlarms(
        number=int(told["number"]),
        origin=str(told["origin"]),
        sequence=int(told["sequence"]),
        saved_at=float(told["saved_at"]),
        begun_at=float(told["begun_at"]),
        board=dict(told["board"]),
        pages=AlarmPages.from_json(told["pages"]),
        outbox=outbox_from_json(told["outbox"]),
        ended=tuple(told["ended"]),
        unrecorded=tuple(told["unrecorded"]),
    )


class KeptFile:
    """Writes what is kept.

    Parameters
    ----------
    first, second : Path
        The file, and its place while the disk of the first takes nothing: an alarm about that
        disk has to be told.

    Attributes
    ----------
    trouble : str
        Why it could not be written at its place; empty if it could.
    """

    def __init__(self, first: Path, second: Path) -> None:
        self.trouble = ""
        self._first, self._second = first, second

    def write(self, kept: KeptAlarms) -> bool:
        """Write it down, and return whether it is in either place."""
        content = kept.to_bytes()
        try:
            files.replace(self._first, content, durable=True)
        except OSError as error:
            self.trouble = f"cannot write {self._first}: {error.strerror}"
        else:
            self.trouble = ""
            return True
        try:
            files.replace(self._second, content)
        except OSError as error:
            self.trouble += f"; nor {self._second}: {error.strerror}; nothing is delivered"
            return False
        return True

    def touch(self) -> None:
        """Let the file show that its owner is at work."""
        with suppress(OSError):
            os.utime(self._first)


def shown(entries: Iterable[AlarmEntry], places: Sequence[Path], at: float) -> dict[str, Any]:
    """Return the alarms as they were kept last, for a daemon whose evaluator is away."""
    kept, _ = read_kept(places)
    return answer(kept, AlarmBoard(entries, at, kept.board), kept.saved_at)


def deliveries(kept: KeptAlarms) -> list[Mapping[str, Any]]:
    """Return the rows of the last messages that are over, then of those on their way."""
    waiting = (view.delivery_row(each, each.due_at) for each in kept.outbox.messages)
    return [*kept.ended, *waiting]


def answer(kept: KeptAlarms, board: AlarmBoard, at: float) -> dict[str, Any]:
    """Return the answer to ``GET /v1/alarms``, as it was at a time [s, Unix time]."""
    told, sent = kept.pages.told, deliveries(kept)
    return {
        "alarms": view.alarm_rows(board, told),
        "incidents": view.incident_rows(board.incidents.open, told),
        "deliveries": sent,
        "summary": view.summary(board, sent, at),
        "as_of": at,
    }
