"""Reads the data frames of a file by its index."""

import os
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np

from ocsd.data.container import NotAFrameError
from ocsd.data.decode import frame_of, kind_word
from ocsd.data.folder import permitted
from ocsd.data.index import FileSummary, IndexedFrame
from ocsd.data.scan import blocks_of
from ocsd.data.trend.packed import BlockColumns, Unpacker
from ocsd.errors import OcsdError

_READ_AT_ONCE: Final = 2**18
"""Bytes that are read by one call: as many as stay in the caches of a processor."""


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


class FrameReader:
    """Reads frames of open files."""

    def __init__(self) -> None:
        self._unpacker = Unpacker()

    def columns(
        self,
        path: Path,
        descriptor: int,
        place: IndexedFrame,
        wanted: Container[str] | None = None,
    ) -> list[BlockColumns]:
        """Return the blocks of a frame that have samples.

        Values of other fields than those `wanted` may be left out. Arrays may be views of the
        whole frame.

        Raises
        ------
        OcsdError
            If it is not there, because the file has changed.
        """
        content = os.pread(descriptor, place.length, place.offset)
        return self._columns(path, content, place, 0, wanted)

    def all_columns(
        self, path: Path, summary: FileSummary
    ) -> Iterator[tuple[str, list[BlockColumns]]]:
        """Yield feed and blocks of each data frame of a file, as `columns`.

        Raises
        ------
        OcsdError
            If a frame is not there, because the file has changed, or cannot be read.
        """
        with opened(path) as descriptor:
            for source in summary.sources:
                for run in _runs(source.frames):
                    begin, end = run[0].offset, run[-1].offset + run[-1].length
                    content = os.pread(descriptor, end - begin, begin)
                    for place in run:
                        yield source.feed, self._columns(path, content, place, place.offset - begin)

    def _columns(
        self,
        path: Path,
        content: bytes,
        place: IndexedFrame,
        begin: int,
        wanted: Container[str] | None = None,
    ) -> list[BlockColumns]:
        """Return the blocks of the frame that begins in `content` at a byte."""
        found = self._unpacker.blocks(content, begin, place.length)
        if found is not None:
            return [block for block in found if len(block.ticks)]
        try:
            return columns_of(frame_of(content[begin : begin + place.length]), wanted)
        except NotAFrameError as error:
            raise OcsdError(
                f"{path} has changed: no frame at byte {place.offset}; "
                "check it with: ocsd data verify"
            ) from error


def _runs(frames: Sequence[IndexedFrame]) -> Iterator[Sequence[IndexedFrame]]:
    """Yield frames that follow each other in the file, in parts that are not too long to read."""
    begin = 0
    for at in range(1, len(frames) + 1):
        if at == len(frames) or not _follows(frames[at], frames[at - 1], frames[begin]):
            yield frames[begin:at]
            begin = at


def _follows(frame: IndexedFrame, before: IndexedFrame, first: IndexedFrame) -> bool:
    """Return whether a frame can be read together with those from the first to the one before."""
    is_next = frame.offset == before.offset + before.length
    return is_next and frame.offset + frame.length - first.offset <= _READ_AT_ONCE


def columns_of(frame: Any, wanted: Container[str] | None = None) -> list[BlockColumns]:
    """Return the blocks of a decoded frame that have samples, with the values of fields."""
    return [_columns(name, block, wanted) for name, block in blocks_of(frame) if len(block.times)]


def _columns(name: str, block: Any, wanted: Container[str] | None) -> BlockColumns:
    kinds = {key: kind_word(block[key]) for key in block.keys()}  # noqa: SIM118 # no dict
    values = {key: np.array(block[key]) for key in kinds if wanted is None or key in wanted}
    return BlockColumns(name, kinds, np.array(block.times, dtype=np.int64), values)
