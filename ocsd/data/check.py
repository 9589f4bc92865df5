"""Checks files against the rules of docs/reference/wire.md."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np

from ocsd.aggregator.frames.field_kinds import FieldKinds
from ocsd.aggregator.frames.schema import DATA, HKAGG_VERSION, SESSION, STATUS
from ocsd.data.decode import Whole, kind_word, pieces, seconds
from ocsd.data.folder import REACH_S
from ocsd.data.index import Damage
from ocsd.data.scan import NOT_OF_THE_SCHEMA, Providers, blocks_of
from ocsd.journal.kinds import Kind

# Enough for a file that is wrong throughout.
MOST_PROBLEMS: Final = 20


class ProblemKind(StrEnum):
    """The kinds of problems in a file."""

    TORN = "torn"
    """The last frame is incomplete; `repair` cuts it off."""
    DAMAGE = "damage"
    """Bytes inside the file are not a frame."""
    SCHEMA = "schema"
    """A frame breaks a rule of the so3g HK schema."""
    NAME = "name"
    """Readers will not look for these data in a file of this name."""
    TYPE = "type"
    """A field has changed its type, so readers do not return all values as published."""
    UNREAD = "unread"
    """This user cannot read the file."""


@dataclass(frozen=True, slots=True)
class FileProblem:
    """A problem of a file, and its position [bytes]."""

    kind: ProblemKind
    offset: int
    text: str


def check(
    path: Path, being_written: bool = False, kinds: FieldKinds | None = None
) -> list[FileProblem]:
    """Return the problems of a file: `MOST_PROBLEMS` one by one, and how many more of each kind.

    A file that is `being_written` may end within a frame. `kinds` are the types of fields
    in the files before it; those in this file are added.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    problems = _Problems()
    problems.add(_name(path))
    opened_at = None
    if path.stem.isdigit():
        opened_at = int(path.stem)
    rules = _Rules(opened_at, kinds or FieldKinds())
    empty = True
    for piece in pieces(path):
        empty = False
        if isinstance(piece, Whole):
            problems.add(rules.broken_by(piece))
        elif not (being_written and piece.at_end):
            problems.add([_damage(piece)])
    if empty and not being_written:
        problems.add([FileProblem(ProblemKind.TORN, 0, "the file is empty")])
    return problems.listed()


def torn(path: Path) -> Damage | None:
    """Return the incomplete frame at the end of a file; None if the last frame is whole."""
    ends = (piece for piece in pieces(path) if isinstance(piece, Damage) and piece.at_end)
    return next(ends, None)


class _Problems:
    """The problems of a file: the first ones, and the number of others by kind."""

    def __init__(self) -> None:
        self._first: list[FileProblem] = []
        self._more: dict[ProblemKind, list[int]] = {}

    def add(self, problems: Iterable[FileProblem]) -> None:
        """Add the next problems."""
        for problem in problems:
            if len(self._first) < MOST_PROBLEMS:
                self._first.append(problem)
            else:
                first_and_count = self._more.setdefault(problem.kind, [problem.offset, 0])
                first_and_count[1] += 1

    def listed(self) -> list[FileProblem]:
        """Return all, those that are not told one by one as one problem for each kind."""
        more = [
            FileProblem(kind, offset, f"the first of {count:,} more problems of this kind")
            for kind, (offset, count) in self._more.items()
        ]
        return self._first + more


class _Rules:
    """The rules for the frames of one file, which have to come in order."""

    def __init__(self, opened_at: int | None, kinds: FieldKinds) -> None:
        self._opened_at = opened_at
        self._kinds = kinds
        self._session_id: Any = None
        self._frames = 0
        self._providers = Providers()
        self._layouts: dict[tuple[int, str], Mapping[str, str]] = {}
        self._out_of_reach: set[str] = set()

    def broken_by(self, piece: Whole) -> Iterator[FileProblem]:
        """Yield the problems of the next frame."""
        self._frames += 1
        frame = piece.frame
        try:
            for text in self._frame(frame):
                yield FileProblem(ProblemKind.SCHEMA, piece.offset, text)
            for text in self._reach(frame):
                yield FileProblem(ProblemKind.NAME, piece.offset, text)
            for text in self._changes(frame):
                yield FileProblem(ProblemKind.TYPE, piece.offset, text)
        except NOT_OF_THE_SCHEMA as error:
            text = f"a frame lacks what its kind must have: {error}"
            yield FileProblem(ProblemKind.SCHEMA, piece.offset, text)

    def _frame(self, frame: Any) -> Iterator[str]:
        # The checksum of a frame does not cover its type.
        if frame.type.name != "Housekeeping" or frame.get("hkagg_version") != HKAGG_VERSION:
            yield f"is not a housekeeping frame of version {HKAGG_VERSION}"
            return
        hkagg_type = frame["hkagg_type"]
        expected, kind = {1: (SESSION, "session"), 2: (STATUS, "status")}.get(
            self._frames, (hkagg_type, "")
        )
        if hkagg_type != expected:
            yield f"frame {self._frames} of the file is not a {kind} frame"
        if self._session_id is None:
            self._session_id = frame["session_id"]
        elif frame["session_id"] != self._session_id:
            yield f"session_id is {frame['session_id']}, that of the file {self._session_id}"
        if hkagg_type == STATUS:
            self._providers.read(frame)
        elif hkagg_type == DATA:
            yield from self._data(frame)

    def _data(self, frame: Any) -> Iterator[str]:
        prov_id = frame["prov_id"]
        listed = self._providers.address(frame)
        if listed is None:
            yield f"provider {prov_id} has data, but the last status frame does not list it"
        elif frame.get("address", listed) != listed:
            yield f"address {frame['address']!r} is not that of provider {prov_id}, {listed!r}"
        if len(frame["blocks"]) != len(frame["block_names"]):
            yield f"{len(frame['blocks'])} blocks have {len(frame['block_names'])} names"
        for name, block in blocks_of(frame):
            for text in self._block(prov_id, name, block):
                yield f"{listed} block {name!r}: {text}"

    def _block(self, prov_id: int, name: str, block: Any) -> Iterator[str]:
        times = np.asarray(block.times)
        if not len(times):
            yield "has no samples"
        if bool((np.diff(times) < 0).any()):
            yield "its times do not ascend"
        layout = {}
        for key in block.keys():  # noqa: SIM118 # no dict
            layout[key] = kind_word(block[key])
            if len(block[key]) != len(times):
                yield f"field {key!r} has {len(block[key])} values for {len(times)} times"
        if self._layouts.setdefault((prov_id, name), layout) != layout:
            yield "its fields or their types have changed"

    def _changes(self, frame: Any) -> Iterator[str]:
        """Yield a problem for each field whose values readers of earlier frames misread here."""
        if frame.get("hkagg_type") != DATA:
            return
        feed = self._providers.address(frame) or frame["address"]
        for _, block in blocks_of(frame):
            kinds = {key: Kind(kind_word(block[key])) for key in block.keys()}  # noqa: SIM118 # no dict
            for change in self._kinds.wrote(feed, kinds):
                yield f"{change.field} {change}; `ocsd data export` reads all as published"

    def _reach(self, frame: Any) -> Iterator[str]:
        """Yield a problem for each feed with data that readers will not look for here."""
        if self._opened_at is None or frame.get("hkagg_type") != DATA:
            return
        feed = self._providers.address(frame)
        if feed is None or feed in self._out_of_reach:
            return
        times = [seconds(np.asarray(block.times)) for _, block in blocks_of(frame)]
        distances_s = (np.abs(times_s - self._opened_at).max(initial=0) for times_s in times)
        away_s = max(distances_s, default=0.0)
        if away_s > REACH_S:
            self._out_of_reach.add(feed)
            yield (
                f"data of {feed} are up to {away_s / 3600:.1f} h away from the name of the file; "
                "so3g.hk.load_range looks no further than 2 h"
            )


def _name(path: Path) -> Iterator[FileProblem]:
    if not path.stem.isdigit():
        yield FileProblem(ProblemKind.NAME, 0, "its name is not a Unix time")
    elif path.parent.name != path.stem[:5]:
        text = f"by its name it belongs into the folder {path.stem[:5]}"
        yield FileProblem(ProblemKind.NAME, 0, text)


def _damage(damage: Damage) -> FileProblem:
    kind = ProblemKind.DAMAGE
    if damage.at_end:
        kind = ProblemKind.TORN
    text = f"{damage.length} bytes cannot be read: {damage.reason}"
    return FileProblem(kind, damage.offset, text)
