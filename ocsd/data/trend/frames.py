"""Reads the data frames of a file by its index."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocsd.data.container import NotAFrameError
from ocsd.data.decode import frame_of
from ocsd.data.folder import permitted
from ocsd.data.index import IndexedFrame
from ocsd.data.scan import blocks_of
from ocsd.errors import OcsdError

Samples = tuple[NDArray[np.int64], dict[str, NDArray[Any]]]
"""Times [ticks of 10 ns] and values by field, of one block of one frame."""


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Yield the descriptor of a file.

    Raises
    ------
    OcsdError
        If it cannot be read.
    """
    with permitted(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield descriptor
        finally:
            os.close(descriptor)


def frame_at(path: Path, descriptor: int, place: IndexedFrame) -> Any:
    """Return a frame of an open file.

    Raises
    ------
    OcsdError
        If it is not there, because the file has changed.
    """
    try:
        return frame_of(os.pread(descriptor, place.length, place.offset))
    except NotAFrameError as error:
        raise OcsdError(
            f"{path} has changed: no frame at byte {place.offset}; check it with: ocsd data verify"
        ) from error


def blocks_in(frame: Any) -> Iterator[tuple[str, NDArray[np.int64], Any]]:
    """Yield name, times [ticks of 10 ns] and columns of each block that has samples."""
    for name, block in blocks_of(frame):
        ticks = np.array(block.times, dtype=np.int64)
        if len(ticks):
            yield name, ticks, block


def samples_in(frame: Any, wanted: Sequence[str]) -> Iterator[Samples]:
    """Yield the samples of those fields that a frame has, block by block."""
    for _name, ticks, block in blocks_in(frame):
        there = set(block.keys())
        columns = {each: np.array(block[each]) for each in wanted if each in there}
        if columns:
            yield ticks, columns
