"""The record of a host's processes, which outlives a fork server that is killed.

After a line with the boot id, one line for each process, as `Spawned` goes over
the wire, one when it ends, `Ended`, and one, `ForgetRequest`, when a daemon has put that
on record. A process is told from a later one with its number by its start time.
It is a file in the runtime folder, so nothing needs to be forced to the disk:
what ends the machine ends the processes, too.
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

MOST_STALE: Final = 256
"""The file is written anew after so many of its processes have ended."""

_BOOT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a record says.

    Attributes
    ----------
    living : tuple of Spawned
        The processes that still live.
    notice : str
        What is wrong with the record; empty if nothing is.
    ended : tuple of Ended
        Ends that no daemon has put on record.
    gone : tuple of Spawned
        Processes that have ended, nobody knows when and how.
    """

    living: tuple[Spawned, ...] = ()
    notice: str = ""
    ended: tuple[Ended, ...] = ()
    gone: tuple[Spawned, ...] = ()


class Record:
    """Writes the record; what an earlier fork server left is kept until it is forgotten.

    Parameters
    ----------
    path : Path
        The file.

    Attributes
    ----------
    earlier : Recorded
        What earlier fork servers have left.
    """

    def __init__(self, path: Path) -> None:
        self.earlier = read(path)
        self._path = path
        spawned = (*self.earlier.living, *self.earlier.gone)
        self._entries: dict[int, Spawned | Ended] = {each.pid: each for each in spawned}
        self._entries |= {each.pid: each for each in self.earlier.ended}
        self._stale = 0
        self._file: int | None = None
        self._failed = False
        self._attempt(self._write_anew)

    def add(self, spawned: Spawned) -> None:
        """Record a process; what cannot be recorded now is, as soon as that is possible."""
        self._entries[spawned.pid] = spawned
        self._attempt(lambda: self._append(spawned))

    def ended(self, ended: Ended) -> None:
        """Take note that a process has ended."""
        self._entries[ended.pid] = ended
        self._attempt(lambda: self._append(ended))

    def forget(self, pid: int) -> None:
        """Take note that the end of a process is known where it has to be."""
        if self._entries.pop(pid, None) is None:
            return
        self._stale += 1
        if self._stale > MOST_STALE:
            self._attempt(self._write_anew)
        else:
            self._attempt(lambda: self._append(ForgetRequest(pid)))

    def renew(self) -> None:
        """Write the file again if somebody has removed it."""
        if self._file is not None and os.fstat(self._file).st_nlink == 0:
            self._attempt(self._write_anew)

    def remove(self) -> None:
        """Remove the file, unless something that it names still lives."""
        spawned = (each for each in self._entries.values() if isinstance(each, Spawned))
        if not any(map(lives, spawned)):
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

    def _append(self, message: Message) -> None:
        if self._file is None:
            self._write_anew()
            return
        line = encode(message)
        if os.write(self._file, line) < len(line):
            raise OSError(0, "no space left on device")

    def _write_anew(self) -> None:
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
    """Return what a record says; a record that is missing or wrong in part is no error."""
    try:
        boot, *lines = path.read_bytes().splitlines() or [b""]
    except FileNotFoundError:
        return Recorded()
    except OSError as error:
        return Recorded(notice=f"the record of processes {path} cannot be read: {error}")
    written_in = boot.decode("ascii", "replace")
    sound = _BOOT.fullmatch(written_in) is not None
    if sound and written_in != boot_id():
        return Recorded()  # the machine has been started anew since
    found, ended, wrong = _parsed(lines)
    living = tuple(filter(lives, found.values()))
    if not sound:
        # What does not live may be of another boot.
        return Recorded(living, _notice(path, wrong + 1, len(lines) + 1))
    gone = tuple(each for each in found.values() if each not in living)
    notice = _notice(path, wrong, len(lines) + 1) if wrong else ""
    return Recorded(living, notice, tuple(ended.values()), gone)


def _parsed(lines: list[bytes]) -> tuple[dict[int, Spawned], dict[int, Ended], int]:
    """Return what has no end on record, ends that no daemon knows, and how many lines are wrong."""
    found: dict[int, Spawned] = {}
    ended: dict[int, Ended] = {}
    wrong = 0
    for line in lines:
        match _decoded(line):
            case Spawned(pid=pid) as spawned:
                found[pid] = spawned
                ended.pop(pid, None)
            case Ended(pid=pid) as end:
                found.pop(pid, None)
                ended[pid] = end
            case ForgetRequest(pid=pid):
                found.pop(pid, None)
                ended.pop(pid, None)
            case _:
                wrong += 1
    return found, ended, wrong


def _decoded(line: bytes) -> Spawned | Ended | ForgetRequest | None:
    """Return what a line says; None if it is wrong."""
    with contextlib.suppress(ValueError):
        entry = decode(line)
        if isinstance(entry, Spawned) and type(entry.start_ticks) is not int:
            return None
        if isinstance(entry, Spawned | Ended | ForgetRequest) and type(entry.pid) is int:
            return entry
    return None


def _notice(path: Path, wrong: int, of: int) -> str:
    return (
        f"{wrong} of {of} lines of the record of processes {path} cannot be read; "
        "if an instance is running twice now, end the copy that `ocsd status` does not show"
    )


def lives(process: Spawned) -> bool:
    """Whether this very process lives, not a later one that has its number."""
    return start_ticks(process.pid) == process.start_ticks != 0


def start_ticks(pid: int) -> int:
    """Return when process `pid` was started [clock ticks since boot]; 0 if it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    # The name in parentheses may itself hold spaces and parentheses (proc(5)).
    state, *fields = stat.rpartition(")")[2].split()
    return 0 if state in "ZX" else int(fields[18])


def boot_id() -> str:
    """Return what names this run of the machine."""
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return "00000000-0000-0000-0000-000000000000"
