"""Files that only their owner may read: written as a whole, refused by name if others might.

A symbolic link, a file of another owner, or one that group or others may read or write is never
used: somebody else may have put it there, or read what it holds.
"""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ocsd.errors import AccessFilesError, NotPermittedError
from ocsd.system import files

LARGEST_FILE_BYTES: Final = 1 << 22
"""Size of a file that is read at all [bytes]."""

_FOLDER_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
LOCK_FILE: Final = "lock"


def make_folder(folder: Path) -> None:
    """Make a private folder that belongs to the owner of the folder around it.

    Raises
    ------
    AccessFilesError
        If there is something else, or a folder that others may use.
    NotPermittedError
        If this user may not make it.
    """
    with _permitted(folder):
        if not folder.parent.exists():
            folder.parent.mkdir(mode=0o750, parents=True)
            _give(folder.parent, folder.parent.parent)
        with suppress(FileExistsError):
            folder.mkdir(mode=_FOLDER_MODE)
            _give(folder, folder.parent)
    check_folder(folder)


def check_folder(folder: Path) -> int:
    """Check that only its owner may use a folder; return the owner's number.

    Raises
    ------
    AccessFilesError
        If it is missing, is no folder, or others may use it.
    NotPermittedError
        If this user may not.
    """
    with _permitted(folder):
        found = folder.lstat()
        _check(folder, found, stat.S_ISDIR(found.st_mode), "folder", _FOLDER_MODE)
        owner = os.geteuid() or folder.parent.stat().st_uid
    if found.st_uid not in (owner, os.geteuid()):
        raise AccessFilesError(
            f"{folder} belongs to user {found.st_uid}, not to {owner}; give it to the user of the "
            f"daemon: chown -R {owner} {folder}"
        )
    return found.st_uid


def read(path: Path) -> bytes:
    """Return the content of a private file.

    Raises
    ------
    AccessFilesError
        If it is missing, is no regular file, belongs to somebody else, may be used by others, or
        is too large.
    NotPermittedError
        If this user may not read it.
    """
    owner = check_folder(path.parent)
    with _permitted(path):
        # O_NONBLOCK: somebody may have put a pipe there.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        if path.is_symlink():
            raise AccessFilesError(f"{path} is a symbolic link, not a file; remove it")
        descriptor = os.open(path, flags)
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            _check(path, found, stat.S_ISREG(found.st_mode), "file", _FILE_MODE)
            content = file.read(LARGEST_FILE_BYTES + 1)
    if found.st_uid != owner:
        raise AccessFilesError(
            f"{path} belongs to user {found.st_uid}, but its folder to {owner}; if nobody else "
            f"has changed it: chown {owner} {path}"
        )
    if len(content) > LARGEST_FILE_BYTES:
        raise AccessFilesError(
            f"{path} is larger than {LARGEST_FILE_BYTES:,} bytes; it is not ocsd's"
        )
    return content


def write(path: Path, content: bytes) -> None:
    """Replace a private file as a whole; it is on the disk when this returns.

    It belongs to the owner of its folder, even if root writes it.

    Raises
    ------
    AccessFilesError
        If others may use its folder, or it cannot be written.
    NotPermittedError
        If this user may not write it.
    """
    check_folder(path.parent)
    with _permitted(path):
        write_anywhere(path, content)


def write_anywhere(path: Path, content: bytes) -> None:
    """Replace a file that only its owner may read, in a folder that others may list.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(
        unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _FILE_MODE
    )
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        _give(unfinished, path.parent)
        unfinished.replace(path)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise
    files.sync(path.parent)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes from changing the files of a private folder meanwhile.

    Raises
    ------
    AccessFilesError
        If others may use the folder.
    NotPermittedError
        If this user may not.
    """
    check_folder(folder)
    with _permitted(folder / LOCK_FILE):
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(folder / LOCK_FILE, flags, _FILE_MODE)
        try:
            _give(folder / LOCK_FILE, folder)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except BaseException:
            os.close(descriptor)
            raise
    try:
        yield
    finally:
        os.close(descriptor)


def _check(path: Path, found: os.stat_result, is_right: bool, kind: str, mode: int) -> None:
    if not is_right:
        raise AccessFilesError(f"{path} is not a {kind}; remove it")
    if found.st_mode & 0o077:
        raise AccessFilesError(
            f"{path} has mode {stat.S_IMODE(found.st_mode):04o}, so others may use it; run: "
            f"chmod {mode:o} {path}, and if somebody may have read it: ocsd access rotate all"
        )


def _give(path: Path, folder: Path) -> None:
    """Give what root made to the owner of its folder, who runs the daemon."""
    if os.geteuid() == 0:
        around = folder.stat()
        os.chown(path, around.st_uid, around.st_gid, follow_symlinks=False)


@contextmanager
def _permitted(path: Path) -> Iterator[None]:
    """Turn the refusals of the system into ours."""
    try:
        yield
    except FileNotFoundError as error:
        missing = error.filename or path
        raise AccessFilesError(f"there is no {missing}; see: ocsd access check") from error
    except PermissionError as error:
        raise NotPermittedError(
            f"cannot use {path}: {error.strerror}; be the user of the daemon, or use sudo"
        ) from error
    except OSError as error:
        raise AccessFilesError(f"cannot use {path}: {error.strerror}") from error
