"""What a hung process was doing, put on record before it is killed.

Each incident has a folder: ``facts.json`` (what is known of the process),
``log.txt`` (the end of its log) and ``stacks.txt`` (all Python stacks, which
the process wrote when it got SIGQUIT).
"""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import psutil

MOST_INCIDENTS: Final = 100
LOG_BYTES: Final = 64 * 2**10
STACKS_BYTES: Final = 2**20
MOST_LISTED: Final = 1000


class Incident:
    """One hang of one instance.

    Parameters
    ----------
    folder : Path
        Where all incidents of the host are kept; the oldest go when there are too many.
    name : str
        The instance.
    pid : int
        Its process.
    log : Path
        Its log.
    facts : mapping
        What the daemon knows of it: the reason, its last words, its operations.
    wall_clock : callable
        Returns the Unix time [s].

    Attributes
    ----------
    path : Path
        The folder of this incident.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        pid: int,
        log: Path,
        facts: Mapping[str, Any],
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._log = log
        self._log_before = _identity(log)
        moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(wall_clock()))
        self.path = folder / f"{moment}-{name}"
        self.path.mkdir(parents=True, exist_ok=True)
        everything = {"instance_id": name, "at": wall_clock(), **facts, "process": of_process(pid)}
        (self.path / "facts.json").write_text(json.dumps(everything, indent=1, default=str))
        (self.path / "log.txt").write_bytes(_tail(log, LOG_BYTES))
        _forget_oldest(folder)

    def finish(self) -> None:
        """Add what the process has written since: its stacks."""
        size, inode = self._log_before
        with contextlib.suppress(OSError), self._log.open("rb") as file:
            if os.fstat(file.fileno()).st_ino == inode:
                file.seek(size)
            (self.path / "stacks.txt").write_bytes(file.read(STACKS_BYTES))

    def summary(self) -> str:
        """Return one line: the innermost Python frame of the main thread, or what there is."""
        try:
            text = (self.path / "stacks.txt").read_text(errors="replace")
        except OSError:
            text = ""
        return innermost_frame(text) or "it wrote no stacks"


def innermost_frame(stacks: str) -> str:
    """Return where the main thread was, from what faulthandler writes; empty if it does not say.

    Parameters
    ----------
    stacks : str
        ``Current thread 0x… (most recent call first):`` and a line for each frame; the
        main thread stands last (faulthandler, `dump_traceback`).
    """
    frames: list[str] = []
    for before, line in zip(["", *stacks.splitlines()], stacks.splitlines(), strict=False):
        if "(most recent call first):" in before and line.startswith("  File "):
            frames.append(line.strip())
    return frames[-1] if frames else ""


def of_process(pid: int) -> dict[str, Any]:
    """Return what the kernel tells of a process; what it does not tell is left out.

    Parameters
    ----------
    pid : int
        The process.
    """
    found: dict[str, Any] = {"pid": pid}
    try:
        process = psutil.Process(pid)
    except psutil.Error:
        return {**found, "status": "gone"}
    questions: dict[str, Callable[[], Any]] = {
        "status": process.status,
        "started_at": process.create_time,
        "cpu_s": lambda: sum(process.cpu_times()[:2]),
        "rss_bytes": lambda: process.memory_info().rss,
        "threads": lambda: [each._asdict() for each in process.threads()][:MOST_LISTED],
        "descriptors": process.num_fds,
        "files": lambda: [each.path for each in process.open_files()][:MOST_LISTED],
        "sockets": lambda: [_socket(each) for each in process.net_connections("all")][:MOST_LISTED],
        "children": lambda: [each.pid for each in process.children(recursive=True)],
        "waits_in": lambda: Path(f"/proc/{pid}/wchan").read_text(),
    }
    for what, ask in questions.items():
        with contextlib.suppress(psutil.Error, OSError):
            found[what] = ask()
    return found


def _socket(connection: Any) -> dict[str, str]:
    def address(end: Any) -> str:
        return end if isinstance(end, str) else ":".join(map(str, end or ()))

    ends = {"local": address(connection.laddr), "remote": address(connection.raddr)}
    return {**ends, "status": connection.status}


def _identity(log: Path) -> tuple[int, int]:
    try:
        status = log.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_ino


def _tail(log: Path, size: int) -> bytes:
    with contextlib.suppress(OSError), log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - size))
        return file.read(size)
    return b""


def _forget_oldest(folder: Path) -> None:
    kept = sorted(each for each in folder.iterdir() if each.is_dir())
    for each in kept[:-MOST_INCIDENTS]:
        shutil.rmtree(each, ignore_errors=True)
