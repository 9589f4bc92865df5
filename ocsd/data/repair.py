"""Cuts an incomplete last frame off a file and keeps it."""

import errno
import os
from pathlib import Path

from ocsd.data.check import torn
from ocsd.errors import OutputFileError

_COPIED_BYTES = 2**20


def repair(path: Path) -> Path | None:
    """Cut the incomplete frame off the end of a file; return the file that has the cut bytes.

    If there is nothing to cut, return None. A file without any whole frame is moved away.
    Nothing is lost: the bytes are on the disk beside the file before it becomes shorter.

    Raises
    ------
    OutputFileError
        If the bytes cannot be kept or the file not be cut; then it is as it was.
    """
    try:
        damage = torn(path)
        if damage is None and path.stat().st_size > 0:
            return None
        kept = _free_name(path)
        if damage is None or damage.offset == 0:
            path.rename(kept)
        else:
            _move_end(path, damage.offset, kept)
    except OSError as error:
        remedy = "make its folder writable or use its owner's account"
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            remedy = "make room in its folder"
        raise OutputFileError(
            f"cannot repair {path}: {error.strerror or error}; it is as it was; {remedy}"
        ) from error
    return kept


def _free_name(path: Path) -> Path:
    number = 1
    kept = path.with_name(f"{path.name}.torn")
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.name}.torn{number}")
    return kept


def _move_end(path: Path, offset: int, kept: Path) -> None:
    """Move all bytes from `offset` into a new file, which is removed if that fails."""
    with path.open("r+b") as file, kept.open("xb") as target:
        try:
            file.seek(offset)
            while chunk := file.read(_COPIED_BYTES):
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
            file.truncate(offset)
        except OSError:
            kept.unlink()
            raise
        os.fsync(file.fileno())
