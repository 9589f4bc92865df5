"""A file system of its own for a folder, small enough to be filled."""

import contextlib
import os
import subprocess


@contextlib.contextmanager
def mounted(folder, size):
    """Mount a file system in memory; only root can.

    Raises
    ------
    PermissionError
        If that is not allowed here.
    """
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise PermissionError(f"only root can mount a small disk here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder):
    """Leave no byte free, until `free` is called."""
    with (folder / "filler").open("ab", buffering=0) as file:
        for size in (2**20, 4096):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"x" * size)


def free(folder):
    """Give back what `fill` took."""
    (folder / "filler").unlink(missing_ok=True)


def is_full(folder):
    """Tell whether no byte is free."""
    return os.statvfs(folder).f_bavail == 0
