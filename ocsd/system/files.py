"""Files that are replaced as a whole, so that a reader finds the old one or the new one."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


def replace(path: Path, content: bytes, durable: bool = False) -> None:
    """Replace a small file, or leave it as it was, with nothing beside it.

    A durable one is on the disk, under its name, when this returns.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    with replacing(path, durable=durable) as unfinished:
        unfinished.write_bytes(content)


@contextmanager
def replacing(path: Path, *, durable: bool = False, shared: bool = False) -> Iterator[Path]:
    """Yield a path beside `path`: the file written there takes its place if nothing is raised.

    Parameters
    ----------
    path : Path
        The file to replace. If anything is raised it stays as it was, with nothing beside it.
    durable : bool
        Whether the file has to be on the disk, under its name, at the end.
    shared : bool
        Whether other processes or threads may replace the same file at the same time.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    # The system gives the threads of all processes different numbers.
    name = f".{path.name}.{threading.get_native_id()}" if shared else f"{path.name}.new"
    unfinished = path.with_name(name)
    try:
        yield unfinished
        if durable:
            sync(unfinished)
        unfinished.replace(path)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise
    if durable:
        sync(path.parent)


def sync(path: Path) -> None:
    """Wait until the content of a file, or the names in a folder, are on the disk.

    Raises
    ------
    OSError
        If the disk reports that it could not keep them.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def written_at(package: Path) -> float:
    """Return when the newest Python file of a package was written [s, Unix time]; 0 if none was."""
    newest_at = 0.0
    for folder, _, names in os.walk(package):
        for name in names:
            if name.endswith(".py"):
                with suppress(OSError):
                    newest_at = max(newest_at, os.stat(os.path.join(folder, name)).st_mtime)
    return newest_at


def tail(file: BinaryIO, most_bytes: int, begin: int = 0) -> bytes:
    """Return at most `most_bytes` of the end of an open file, which may grow meanwhile.

    Nothing is read before the offset `begin`, unless the file is shorter than that.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(begin if begin <= size else 0, size - most_bytes))
    return file.read(most_bytes)
