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
        return next(self._columns(path, content, [place], wanted))

    def all_columns(
        self, path: Path, summary: FileSummary
    ) -> Iterator[tuple[str, list[BlockColumns]]]:
        """Yield feed and blocks of all data frames of a file; of some of them together.

        Raises
        ------
        OcsdError
            If a frame is not there, because the file has changed, or cannot be read.
        """
        with opened(path) as descriptor:
            for source in summary.sources:
                for run in _runs(source.frames):
                    content = os.pread(descriptor, len(run) * run[0].length, run[0].offset)
                    for blocks in self._columns(path, content, run):
                        yield source.feed, blocks

    def _columns(
        self,
        path: Path,
        content: bytes,
        run: Sequence[IndexedFrame],
        wanted: Container[str] | None = None,
    ) -> Iterator[list[BlockColumns]]:
        """Yield the blocks of frames of the same length; of all together, or of each."""
        length, count = run[0].length, len(run)
        found = self._unpacker.blocks(content, 0, length, count)
        if found is not None:
            yield [block for block in found if block.ticks.size]
        elif count > 1:
            for at, place in enumerate(run):
                alone = content[at * length : (at + 1) * length]
                yield from self._columns(path, alone, [place], wanted)
        else:
            try:
                yield columns_of(frame_of(content), wanted)
            except NotAFrameError as error:
                raise OcsdError(
                    f"{path} has changed: no frame at byte {run[0].offset}; "
                    "check it with: ocsd data verify"
                ) from error


def _runs(frames: Sequence[IndexedFrame]) -> Iterator[Sequence[IndexedFrame]]:
    """Yield frames that can be read together: as long as each other, and one behind the other."""
    first = 0
    for at in range(1, len(frames) + 1):
        if at == len(frames) or not _continues(frames[first], at - first, frames[at]):
            yield frames[first:at]
            first = at


def _continues(first: IndexedFrame, count: int, frame: IndexedFrame) -> bool:
    """Return whether a frame can be read together with the `count` ones from the first on."""
    offset, length = first[:2]
    return frame[:2] == (offset + count * length, length) and (count + 1) * length <= _READ_AT_ONCE


def columns_of(frame: Any, wanted: Container[str] | None = None) -> list[BlockColumns]:
    """Return the blocks of a decoded frame that have samples, with the values of fields."""
    return [_columns(name, block, wanted) for name, block in blocks_of(frame) if len(block.times)]


def _columns(name: str, block: Any, wanted: Container[str] | None) -> BlockColumns:
    kinds = {key: kind_word(block[key]) for key in block.keys()}  # noqa: SIM118 # no dict
    values = {key: np.array(block[key]) for key in kinds if wanted is None or key in wanted}
    return BlockColumns(name, kinds, np.array(block.times, dtype=np.int64), values)
