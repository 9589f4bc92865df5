"""Gives the folder of an agent's spools to the user who runs the agent."""

import os
import pwd
import stat
import sys
from pathlib import Path

from ocsd.forkserver.protocol import SpawnRequest
from ocsd.system import paths


def prepare(request: SpawnRequest) -> None:
    """Let an agent that root starts for another user keep its feeds on disk.

    The folder above is closed to that user, and stays so: the agent gets a descriptor of its
    own folder, from which it cannot go up. Files of earlier lives are given to that user as
    well, so `user` may be changed. Without a folder the agent runs all the same. Standard
    error must lead to its log.
    """
    if os.geteuid() != 0 or request.launch is None or request.command:
        return
    user = request.user or "root"
    uid = gid = 0
    if request.user:
        try:
            owner = pwd.getpwnam(user)
        except KeyError:
            return  # there is no such user: that stops the start
        uid, gid = owner.pw_uid, owner.pw_gid
    folder = paths.spool(request.launch["host"], request.instance_id)
    try:
        if uid == 0:
            if folder.exists():
                give(folder, uid, gid)
        else:
            _make_for(folder, uid, gid)
    except OSError as error:
        sys.stderr.write(
            f"ocsd: cannot give {folder} to user {user!r} ({error.strerror}), so messages "
            "may be kept in memory only\n"
        )


def _make_for(folder: Path, uid: int, gid: int) -> None:
    """Make the folder for a user who is not root, and leave a descriptor of it to the agent."""
    folder.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
    folder.parent.chmod(0o750)  # an earlier agent may have made it more open
    folder.mkdir(mode=0o700, exist_ok=True)
    give(folder, uid, gid)
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    # An agent that is not safe to fork gets an interpreter of its own.
    os.set_inheritable(descriptor, True)
    os.environ[paths.SPOOL_VARIABLE] = str(descriptor)


def give(folder: Path, uid: int, gid: int) -> None:
    """Make a user the owner of a folder and of all that is in it.

    Nothing happens if it is that user's already, or a symbolic link. The previous owner may
    have put anything there, and may do so meanwhile. Entries that are neither a folder nor a file
    with this one name are removed: they may be another user's.

    Raises
    ------
    OSError
        If that is not possible; the next start continues.
    """
    if folder.stat(follow_symlinks=False).st_uid == uid:
        return
    # From the bottom up: once the folder itself is given, all is.
    for _, folders, files, here in os.fwalk(folder, topdown=False):
        for name in (*folders, *files):
            _give_file(name, here, uid, gid)
        os.fchown(here, uid, gid)


def _give_file(name: str, here: int, uid: int, gid: int) -> None:
    if stat.S_ISDIR(os.stat(name, dir_fd=here, follow_symlinks=False).st_mode):
        return  # it has had its turn
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(name, flags, dir_fd=here)
    except OSError:  # a symbolic link, a socket
        os.unlink(name, dir_fd=here)
        return
    try:
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
            os.fchown(descriptor, uid, gid)
        else:
            os.unlink(name, dir_fd=here)
    finally:
        os.close(descriptor)
