"""Whether a file is what docs/reference/wire.md says that files are."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np

from ocsd.aggregator.frames.schema import DATA, HKAGG_VERSION, SESSION, STATUS
from ocsd.data.decode import Whole, kind_word, pieces, seconds
from ocsd.data.folder import REACH_S
from ocsd.data.index import Damage
from ocsd.data.scan import NOT_OF_THE_SCHEMA, Providers, blocks_of

# A file that is wrong throughout need not say so for every frame.
MOST_PROBLEMS: Final = 20


class ProblemKind(StrEnum):
    """What is wrong with a file."""

    TORN = "torn"
    """The last frame is not whole; `repair` cuts it off."""
    DAMAGE = "damage"
    """Bytes in the midst of the file are no frame."""
    SCHEMA = "schema"
    """A frame breaks a rule of the so3g HK schema."""
    NAME = "name"
    """Readers do not look for the data in a file of this name."""
    UNREAD = "unread"
    """The system does not let this user read it, so nothing is known of it."""


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Something wrong in a file, and where [bytes]."""

    kind: ProblemKind
    offset: int
    text: str

    def as_json(self) -> dict[str, Any]:
        """Return the problem made of JSON's types."""
        return asdict(self)


def check(path: Path, being_written: bool = False) -> list[FileProblem]:
    """Return what is wrong with a file, at most `MOST_PROBLEMS`.

    Parameters
    ----------
    path : Path
        The file.
    being_written : bool
        True if it may end within a frame because more is to come.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    problems = list(_name(path))
    rules = _Rules(int(path.stem) if path.stem.isdigit() else None)
    empty = True
    for piece in pieces(path):
        empty = False
        if len(problems) >= MOST_PROBLEMS:
            break
        if isinstance(piece, Whole):
            problems += rules.broken_by(piece)
        elif not (being_written and piece.at_end):
            problems.append(_damage(piece))
    if empty and not being_written:
        problems.append(FileProblem(ProblemKind.TORN, 0, "the file is empty"))
    return problems[:MOST_PROBLEMS]


def torn(path: Path) -> Damage | None:
    """Return the end of a file that is no whole frame; None if it ends with one."""
    ends = (each for each in pieces(path) if isinstance(each, Damage) and each.at_end)
    return next(ends, None)


class _Rules:
    """The rules for the frames of one file, which have to come in order."""

    def __init__(self, opened_at: int | None) -> None:
        self._opened_at = opened_at
        self._session_id: Any = None
        self._frames = 0
        self._providers = Providers()
        self._layouts: dict[tuple[int, str], Mapping[str, str]] = {}
        self._out_of_reach: set[str] = set()

    def broken_by(self, piece: Whole) -> Iterator[FileProblem]:
        """Yield what is wrong with the next frame."""
        self._frames += 1
        frame = piece.frame
        try:
            for text in self._frame(frame):
                yield FileProblem(ProblemKind.SCHEMA, piece.offset, text)
            for text in self._reach(frame):
                yield FileProblem(ProblemKind.NAME, piece.offset, text)
        except NOT_OF_THE_SCHEMA as error:
            text = f"a frame lacks what its kind must have: {error}"
            yield FileProblem(ProblemKind.SCHEMA, piece.offset, text)

    def _frame(self, frame: Any) -> Iterator[str]:
        # The type is the one thing of a frame that its checksum does not cover.
        if frame.type.name != "Housekeeping" or frame.get("hkagg_version") != HKAGG_VERSION:
            yield f"is no housekeeping frame of version {HKAGG_VERSION}"
            return
        hkagg_type = frame["hkagg_type"]
        expected = {1: SESSION, 2: STATUS}.get(self._frames, hkagg_type)
        if hkagg_type != expected:
            kind = "status" if expected else "session"
            yield f"frame {self._frames} of the file is no {kind} frame"
        if self._session_id is None:
            self._session_id = frame["session_id"]
        elif frame["session_id"] != self._session_id:
            yield f"session_id is {frame['session_id']}, that of the file {self._session_id}"
        if hkagg_type == STATUS:
            self._providers.note(frame)
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
            yield "its fields or their types are others than before"

    def _reach(self, frame: Any) -> Iterator[str]:
        """Yield a complaint of data that readers do not look for here, one for a feed."""
        if self._opened_at is None or frame.get("hkagg_type") != DATA:
            return
        feed = self._providers.address(frame)
        if feed is None or feed in self._out_of_reach:
            return
        times = [seconds(np.asarray(block.times)) for _, block in blocks_of(frame)]
        away_s = max(
            (float(np.abs(each - self._opened_at).max(initial=0)) for each in times), default=0.0
        )
        if away_s > REACH_S:
            self._out_of_reach.add(feed)
            yield (
                f"data of {feed} are up to {away_s / 3600:.1f} h away from the name of the file; "
                "so3g.hk.load_range looks no further than 2 h"
            )


def _name(path: Path) -> Iterator[FileProblem]:
    if not path.stem.isdigit():
        yield FileProblem(ProblemKind.NAME, 0, "its name is no Unix time")
    elif path.parent.name != path.stem[:5]:
        text = f"it belongs into the folder {path.stem[:5]}, by its name"
        yield FileProblem(ProblemKind.NAME, 0, text)


def _damage(damage: Damage) -> FileProblem:
    kind = ProblemKind.TORN if damage.at_end else ProblemKind.DAMAGE
    return FileProblem(
        kind, damage.offset, f"{damage.length} bytes cannot be read: {damage.reason}"
    )
