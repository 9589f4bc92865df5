"""What a process was doing, put on record before it is ended by force.

Each incident has a folder: ``facts.json`` (what is known of the process),
``log.txt`` (the end of its log) and ``stacks.txt`` (all Python stacks, which
the process wrote when it got SIGQUIT).
"""

import contextlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import psutil

MOST_EXAMINATIONS: Final = 100
LOG_BYTES: Final = 64 * 2**10
STACKS_BYTES: Final = 2**20
MOST_DETAILS: Final = 1000
MOST_THREADS: Final = 3
"""So many threads are told of in one line; the folder has them all."""

# Of the agent's interpreter, which need not be this one.
_LIBRARY: Final = re.compile(r"/lib(64)?/python3(\.\d+)?/")
_IN_REACTOR: Final = " in mainLoop"
_OURS: Final = f"{Path(__file__).parents[2]}{os.sep}"


class Examination:
    """One end by force of one instance.

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
    code : str
        The file of the agent's class, as far as it is known.

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
        code: str = "",
    ) -> None:
        self._log = log
        self._code = code
        self._log_before = _identity(log)
        moment = time.strftime("%Y%m%dT%H%M%S", time.gmtime(wall_clock()))
        self.path = folder / f"{moment}-{name}"
        self.path.mkdir(parents=True, exist_ok=True)
        self._process = of_process(pid)
        everything = {"instance_id": name, "at": wall_clock(), **facts, "process": self._process}
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

    @property
    def shortage(self) -> str:
        """What the process had used up; empty if it had not."""
        found, most = (self._process.get(key) for key in ("descriptors", "descriptors_limit"))
        if found is None or found != most:
            return ""
        return f"out of descriptors ({found} of {most} are open)"

    def where(self) -> str:
        """Return where the process was, or what there is."""
        try:
            text = (self.path / "stacks.txt").read_text(errors="replace")
        except OSError:
            text = ""
        return where_it_was(text, self._code) or "it wrote no stacks"


def where_it_was(stacks: str, code: str = "") -> str:
    """Return the frame of a hung process that tells most; empty if there is none.

    That is the innermost one of the main thread that is of no library. A main thread that has
    none waits, e.g. for the interpreter's lock, and the others tell for what.

    Parameters
    ----------
    stacks : str
        ``Current thread 0x… (most recent call first):`` and a line for each frame; the
        main thread stands last (faulthandler, `dump_traceback`).
    code : str
        The file of the agent's class; the Python files beside it are of no library either.
    """
    threads: list[list[str]] = []
    for line in stacks.splitlines():
        if line.endswith("(most recent call first):"):
            threads.append([])
        elif threads and line.startswith("  File "):
            threads[-1].append(line.strip())
    threads = [frames for frames in threads if frames]
    if not threads:
        return ""
    folder = f"{os.path.dirname(code)}{os.sep}" if code else ""
    *others, main = (_innermost_own(frames, folder) for frames in threads)
    told = [main] if main else [frame for frame in others if frame]
    return "; ".join(told[:MOST_THREADS]) or threads[-1][0]


def _innermost_own(frames: Sequence[str], folder: str) -> str:
    """Return the innermost frame of the code that the agent's author writes; empty if none is."""
    for frame in frames:
        file = frame.removeprefix('File "').partition('"')[0]
        if folder and file.startswith(folder):
            return frame
        if file.startswith(_OURS) or frame.endswith(_IN_REACTOR):
            # What follows only waits for this to return.
            return ""
        if not (file.startswith("<frozen ") or _LIBRARY.search(file)):
            return frame
    return ""


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
        "threads": lambda: [each._asdict() for each in process.threads()][:MOST_DETAILS],
        "descriptors": process.num_fds,
        "descriptors_limit": lambda: process.rlimit(psutil.RLIMIT_NOFILE)[0],
        "files": lambda: [each.path for each in process.open_files()][:MOST_DETAILS],
        "sockets": lambda: [_socket(each) for each in process.net_connections("all")][
            :MOST_DETAILS
        ],
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
    for each in kept[:-MOST_EXAMINATIONS]:
        shutil.rmtree(each, ignore_errors=True)
