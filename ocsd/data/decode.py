"""Decodes the frames of a file; reports a damaged frame and resumes at the next one."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocsd.aggregator.frames.schema import TICKS_PER_SECOND, spt3g_core
from ocsd.data.container import NotAFrameError, end_of_frame, next_candidate
from ocsd.data.index import Damage


@dataclass(frozen=True, slots=True)
class Whole:
    """A frame with a correct checksum, and its position [bytes]."""

    offset: int
    length: int
    frame: Any


def pieces(path: Path, begin: int = 0) -> Iterator[Whole | Damage]:
    """Yield a file from byte `begin` on, piece by piece, in order and without a gap.

    Raises
    ------
    OSError
        If it cannot be read at all.
    """
    with path.open("rb") as file:
        descriptor = file.fileno()
        size = os.fstat(descriptor).st_size
        offset = begin
        while offset < size:
            try:
                piece: Whole | Damage = _whole(descriptor, size, offset)
            except NotAFrameError as error:
                end = _next_whole(descriptor, size, offset + 1)
                piece = Damage(offset, end - offset, str(error), at_end=end == size)
            yield piece
            offset += piece.length


def frame_of(serialised: bytes) -> Any:
    """Return the frame of its serialised bytes.

    Raises
    ------
    NotAFrameError
        If the checksum is wrong.
    """
    frame = _core().G3Frame()
    try:
        frame.__setstate__(({}, serialised))
    except RuntimeError as error:
        raise NotAFrameError("its checksum is wrong") from error
    return frame


def seconds(ticks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return times in ticks of 10 ns as Unix times [s]."""
    return ticks / TICKS_PER_SECOND


def kind_word(vector: Any) -> str:
    """Return the type of a column's values: ``float``, ``int``, ``bool`` or ``str``."""
    return _kinds()[type(vector)]  # spt3g has no others in a G3TimesampleMap


def _whole(descriptor: int, size: int, offset: int) -> Whole:
    length = end_of_frame(descriptor, size, offset) - offset
    return Whole(offset, length, frame_of(os.pread(descriptor, length, offset)))


def _next_whole(descriptor: int, size: int, offset: int) -> int:
    """Return the offset of the next whole frame, or the end of the file."""
    while (candidate := next_candidate(descriptor, offset)) is not None:
        try:
            _whole(descriptor, size, candidate)
        except NotAFrameError:
            offset = candidate + 1
        else:
            return candidate
    return size


@cache
def _kinds() -> dict[type, str]:
    core = _core()
    return {
        core.G3VectorDouble: "float",
        core.G3VectorInt: "int",
        core.G3VectorBool: "bool",
        core.G3VectorString: "str",
    }


@cache
def _core() -> Any:
    core = spt3g_core()
    # It also prints the errors that it raises.
    core.G3Logger.global_logger = core.G3NullLogger()
    return core
