"""Small files that are replaced as a whole: a reader finds the old one or the new one."""

import contextlib
import os
from pathlib import Path


def replace(path: Path, content: bytes, durable: bool = False) -> None:
    """Replace a file, or leave it as it was, with nothing beside it.

    Parameters
    ----------
    path : Path
        The file.
    content : bytes
        All that it shall hold.
    durable : bool
        Whether it has to be on the disk before this returns.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.new")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            unfinished.unlink()
        raise
