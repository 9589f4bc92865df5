"""A disk on which the recorder dies in the middle of an operation of its choice."""

import contextlib
import os
from unittest import mock

from ocsd.aggregator.disk import append_file, journal_writer, recovery, upkeep


class Killed(BaseException):
    """What the recorder sees of a kill -9: it is no Exception, so nothing catches it."""


class Disk:
    """Count what changes the disk, and die at a given count.

    Used as a context, it stands between the aggregator and the system.
    """

    def __init__(self):
        self.left = None
        self.part = 0.0
        self.synced = {}

    def die_after(self, operations, part):
        """Die in the operation of that number; a write gets done in part."""
        self.left, self.part = operations, part

    def cut_power(self, folder, part):
        """Take from each file what was not synced, but for a part of it."""
        for path in [*folder.glob("ocsd/journal/*.wal"), *folder.glob("*/*.g3")]:
            found = path.stat()
            safe = min(self.synced.get(found.st_ino, 0), found.st_size)
            os.truncate(path, safe + int((found.st_size - safe) * part))

    @contextlib.contextmanager
    def __call__(self):
        with contextlib.ExitStack() as stack:
            write = os.write
            stack.enter_context(mock.patch.object(os, "write", self._writing(write)))
            for name in ("unlink", "replace", "ftruncate"):
                other = self._doing(getattr(os, name))
                stack.enter_context(mock.patch.object(os, name, other))
            for module in (append_file, journal_writer, recovery, upkeep):
                synced = mock.patch.object(module, "sync_and_close", self._sync_and_close)
                stack.enter_context(synced)
            yield

    def _writing(self, write):
        def operation(descriptor, data):
            if self._dies():
                write(descriptor, bytes(data)[: int(len(data) * self.part)])
                raise Killed
            return write(descriptor, data)

        return operation

    def _doing(self, other):
        def operation(*arguments):
            if self._dies():
                raise Killed
            return other(*arguments)

        return operation

    def _sync_and_close(self, descriptor):
        found = os.fstat(descriptor)
        self.synced[found.st_ino] = found.st_size
        os.close(descriptor)

    def _dies(self):
        if self.left is None:
            return False
        self.left -= 1
        if self.left >= 0:
            return False
        self.left = None
        return True
