"""Reads the data frames of a file by its index."""

import os
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ocsd.data.container import NotAFrameError
from ocsd.data.decode import frame_of, kind_word
from ocsd.data.folder import permitted
from ocsd.data.index import IndexedFrame
from ocsd.data.scan import blocks_of
from ocsd.data.trend.packed import BlockColumns, Unpacker
from ocsd.errors import OcsdError


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
        try:
            frame = frame_of(content)
        except NotAFrameError as error:
            raise OcsdError(
                f"{path} has changed: no frame at byte {place.offset}; "
                "check it with: ocsd data verify"
            ) from error
        found = self._unpacker.blocks(content)
        if found is None:
            return columns_of(frame, wanted)
        return [block for block in found if len(block.ticks)]


def columns_of(frame: Any, wanted: Container[str] | None = None) -> list[BlockColumns]:
    """Return the blocks of a decoded frame that have samples, with the values of fields."""
    return [_columns(name, block, wanted) for name, block in blocks_of(frame) if len(block.times)]


def _columns(name: str, block: Any, wanted: Container[str] | None) -> BlockColumns:
    kinds = {key: kind_word(block[key]) for key in block.keys()}  # noqa: SIM118 # no dict
    values = {key: np.array(block[key]) for key in kinds if wanted is None or key in wanted}
    return BlockColumns(name, kinds, np.array(block.times, dtype=np.int64), values)
