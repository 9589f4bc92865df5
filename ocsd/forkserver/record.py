"""The record of a host's processes, which outlives a fork server that is killed.

The first line is the boot id. A line for each process follows, as `Spawned` on the wire, one
when it ends, `Ended`, and one when a daemon has recorded that, `ForgetRequest`. The start
time distinguishes a process from a later one with the same number. The file is in the
runtime folder and not forced to the disk: the processes end with the machine.
"""

import contextlib
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ocsd.forkserver.protocol import Ended, ForgetRequest, Message, Spawned, decode, encode
from ocsd.system import files
from ocsd.system.proc import start_ticks

MOST_STALE: Final = 256
"""The file is rewritten when more of its processes than this have ended."""

_BOOT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Recorded:
    """The content of a record."""

    living: tuple[Spawned, ...] = ()
    """The processes that still live."""
    notice: str = ""
    """The fault of the record; empty if it has none."""
    ended: tuple[Ended, ...] = ()
    """Ends that no daemon has recorded."""
    gone: tuple[Spawned, ...] = ()
    """Processes that have ended at an unknown time in an unknown way."""


class Record:
    """Writes the record; entries of earlier fork servers stay until they are forgotten.

    Attributes
    ----------
    earlier : Recorded
        The record of earlier fork servers.
    """

    def __init__(self, path: Path) -> None:
        self.earlier = read(path)
        self._path = path
        spawned = (*self.earlier.living, *self.earlier.gone)
        self._entries: dict[int, Spawned | Ended] = {entry.pid: entry for entry in spawned}
        self._entries |= {entry.pid: entry for entry in self.earlier.ended}
        self._stale = 0
        self._file: int | None = None
        self._failed = False
        self._attempt(self._rewrite)

    def add(self, *spawned: Spawned) -> None:
        """Record processes, now or as soon as that is possible."""
        self._entries.update({each.pid: each for each in spawned})
        self._attempt(lambda: self._append(*spawned))

    def ended(self, ended: Ended) -> None:
        """Record that a process has ended."""
        self._entries[ended.pid] = ended
        self._attempt(lambda: self._append(ended))

    def forget(self, pid: int) -> None:
        """Drop a process, because a daemon has recorded its end."""
        if self._entries.pop(pid, None) is None:
            return
        self._stale += 1
        if self._stale > MOST_STALE:
            self._attempt(self._rewrite)
        else:
            self._attempt(lambda: self._append(ForgetRequest(pid)))

    def renew(self) -> None:
        """Write the file again if it was removed."""
        if self._file is not None and os.fstat(self._file).st_nlink == 0:
            self._attempt(self._rewrite)

    def remove(self) -> None:
        """Remove the file, unless a process in it still lives."""
        entries = self._entries.values()
        if not any(isinstance(entry, Spawned) and lives(entry) for entry in entries):
            self._path.unlink(missing_ok=True)

    def _attempt(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            # An agent that runs is worth more than its record.
            if not self._failed:
                sys.stderr.write(f"ocsd: cannot record processes in {self._path}: {error}\n")
            self._failed = True
            self._let_go()
        else:
            self._failed = False

    def _append(self, *messages: Message) -> None:
        if self._file is None:
            self._rewrite()
            return
        lines = b"".join(map(encode, messages))
        if os.write(self._file, lines) < len(lines):
            raise OSError(0, "no space left on device")

    def _rewrite(self) -> None:
        content = f"{boot_id()}\n".encode() + b"".join(map(encode, self._entries.values()))
        files.replace(self._path, content)
        self._let_go()
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._stale = 0

    def _let_go(self) -> None:
        if self._file is not None:
            os.close(self._file)
        self._file = None


def beside(socket_path: Path) -> Path:
    """Return where the record of the fork server with this socket is."""
    return socket_path.with_name("processes")


def read(path: Path) -> Recorded:
    """Return the content of a record, as far as it can be read."""
    try:
        boot, *lines = path.read_bytes().splitlines() or [b""]
    except FileNotFoundError:
        return Recorded()
    except OSError as error:
        return Recorded(notice=f"the record of processes {path} cannot be read: {error}")
    written_in = boot.decode("ascii", "replace")
    sound = _BOOT.fullmatch(written_in) is not None
    if sound and written_in != boot_id():
        return Recorded()  # the machine was restarted since
    spawned, ended, wrong = _parsed(lines)
    living = tuple(filter(lives, spawned.values()))
    if not sound:
        # The others may be of another boot.
        return Recorded(living, _notice(path, wrong + 1, len(lines) + 1))
    gone = tuple(process for process in spawned.values() if process not in living)
    return Recorded(living, _notice(path, wrong, len(lines) + 1), tuple(ended.values()), gone)


def _parsed(lines: list[bytes]) -> tuple[dict[int, Spawned], dict[int, Ended], int]:
    """Return processes without a recorded end, ends to report, and the number of wrong lines."""
    spawned: dict[int, Spawned] = {}
    ended: dict[int, Ended] = {}
    wrong = 0
    for line in lines:
        match _decoded(line):
            case Spawned(pid=pid) as process:
                spawned[pid] = process
                ended.pop(pid, None)
            case Ended(pid=pid) as end:
                spawned.pop(pid, None)
                ended[pid] = end
            case ForgetRequest(pid=pid):
                spawned.pop(pid, None)
                ended.pop(pid, None)
            case _:
                wrong += 1
    return spawned, ended, wrong


def _decoded(line: bytes) -> Spawned | Ended | ForgetRequest | None:
    """Return the entry of a line; None if it is wrong."""
    with contextlib.suppress(ValueError):
        entry = decode(line)
        if isinstance(entry, Spawned) and type(entry.start_ticks) is not int:
            return None
        if isinstance(entry, Spawned | Ended | ForgetRequest) and type(entry.pid) is int:
            return entry
    return None


def _notice(path: Path, wrong: int, of: int) -> str:
    if not wrong:
        return ""
    return (
        f"{wrong} of {of} lines of the record of processes {path} cannot be read; "
        "if an instance is running twice now, end the copy that `ocsd status` does not show"
    )


def lives(process: Spawned) -> bool:
    """Whether this very process lives, not a later one that has its number."""
    return start_ticks(process.pid) == process.start_ticks != 0


def boot_id() -> str:
    """Return the kernel's identifier of this run of the machine."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return "00000000-0000-0000-0000-000000000000"
