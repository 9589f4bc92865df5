"""Records what a process was doing before it is ended by force.

Each examination has a folder: ``facts.json`` (what is known of the process), ``log.txt``
(the end of its log) and ``stacks.txt`` (all Python stacks, which the process wrote when it
got SIGQUIT).
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

from ocsd.system.files import tail
from ocsd.text.logins import without_logins

MOST_EXAMINATIONS: Final = 100
LOG_BYTES: Final = 64 * 2**10
STACKS_BYTES: Final = 2**20
MOST_DETAILS: Final = 1000
MOST_THREADS: Final = 3
"""The most threads that one line describes; the folder has them all."""

# The library of the agent's interpreter, which need not be this one.
_LIBRARY: Final = re.compile(r"/lib(64)?/python3(\.\d+)?/")
_IN_REACTOR: Final = " in mainLoop"
_OURS: Final = f"{Path(__file__).parents[2]}{os.sep}"


class Examination:
    """The record of one process that is about to be ended by force.

    Parameters
    ----------
    folder : Path
        The folder of all examinations of the host; the oldest go when there are too many.
    facts : mapping
        The daemon's knowledge of the process: the reason, its last words, its operations.
    wall_clock : callable
        Returns the Unix time [s].
    code : str
        The file of the agent's class; empty if unknown.

    Attributes
    ----------
    path : Path
        The folder of this examination.
    """

    def __init__(
        self,
        folder: Path,
        instance_id: str,
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
        self.path = folder / f"{moment}-{instance_id}"
        self.path.mkdir(parents=True, exist_ok=True)
        self._process = process_facts(pid)
        head = {"instance_id": instance_id, "at": wall_clock()}
        text = json.dumps({**head, **facts, "process": self._process}, indent=1, default=str)
        (self.path / "facts.json").write_text(without_logins(text))
        end_of_log = b""
        with contextlib.suppress(OSError), log.open("rb") as file:
            end_of_log = tail(file, LOG_BYTES)
        (self.path / "log.txt").write_bytes(end_of_log)
        _forget_oldest(folder, self.path)

    def finish(self) -> None:
        """Add the stacks, which the process has written to its log since."""
        size, inode = self._log_before
        with contextlib.suppress(OSError), self._log.open("rb") as file:
            if os.fstat(file.fileno()).st_ino == inode:
                file.seek(size)
            (self.path / "stacks.txt").write_bytes(file.read(STACKS_BYTES))

    @property
    def shortage(self) -> str:
        """The resource of which the process had none left; empty if there is none."""
        used, most = (self._process.get(key) for key in ("descriptors", "descriptors_limit"))
        if used is None or used != most:
            return ""
        return f"out of descriptors ({used} of {most} are open)"

    def where(self) -> str:
        """Return the frame in which the process was, or why none is known."""
        try:
            text = (self.path / "stacks.txt").read_text(errors="replace")
        except OSError:
            text = ""
        return where_it_was(text, self._code) or "it wrote no stacks"


def where_it_was(stacks: str, code: str = "") -> str:
    """Return the frame that explains best where a process hangs; empty if there is none.

    That is the innermost frame of the main thread that is not of a library. If the main
    thread has none it waits, e.g. for the interpreter's lock, and the other threads show why.

    Parameters
    ----------
    stacks : str
        ``Current thread 0x… (most recent call first):`` and a line for each frame; the
        main thread comes last (faulthandler, `dump_traceback`).
    code : str
        The file of the agent's class; the Python files beside it are not a library either.
    """
    threads = _frames_of_threads(stacks)
    if not threads:
        return ""
    folder = os.path.join(os.path.dirname(code), "")
    *others, main = (_innermost_own(frames, folder) for frames in threads)
    frames = [main] if main else list(filter(None, others))
    return "; ".join(frames[:MOST_THREADS]) or threads[-1][0]


def _frames_of_threads(stacks: str) -> list[list[str]]:
    threads: list[list[str]] = []
    for line in stacks.splitlines():
        if line.endswith("(most recent call first):"):
            threads.append([])
        elif threads and line.startswith("  File "):
            threads[-1].append(line.strip())
    return list(filter(None, threads))


def _innermost_own(frames: Sequence[str], folder: str) -> str:
    """Return the innermost frame of the code of the agent's author; empty if there is none."""
    for frame in frames:
        file = frame.removeprefix('File "').partition('"')[0]
        if folder and file.startswith(folder):
            return frame
        if file.startswith(_OURS) or frame.endswith(_IN_REACTOR):
            # The frames outside only wait for this one to return.
            return ""
        if not (file.startswith("<frozen ") or _LIBRARY.search(file)):
            return frame
    return ""


def process_facts(pid: int) -> dict[str, Any]:
    """Return the facts that the kernel reports about a process, as far as it does."""
    import psutil  # few daemons ever need it

    facts: dict[str, Any] = {"pid": pid}
    try:
        process = psutil.Process(pid)
    except psutil.Error:
        return {**facts, "status": "gone"}
    questions: dict[str, Callable[[], Any]] = {
        "status": process.status,
        "started_at": process.create_time,
        "cpu_s": lambda: sum(process.cpu_times()[:2]),
        "rss_bytes": lambda: process.memory_info().rss,
        "threads": lambda: [thread._asdict() for thread in process.threads()][:MOST_DETAILS],
        "descriptors": process.num_fds,
        "descriptors_limit": lambda: process.rlimit(psutil.RLIMIT_NOFILE)[0],
        "files": lambda: [file.path for file in process.open_files()][:MOST_DETAILS],
        "sockets": lambda: list(map(_socket, process.net_connections("all")))[:MOST_DETAILS],
        "children": lambda: [child.pid for child in process.children(recursive=True)],
        "waits_in": lambda: Path(f"/proc/{pid}/wchan").read_text(),
    }
    for key, ask in questions.items():
        with contextlib.suppress(psutil.Error, OSError):
            facts[key] = ask()
    return facts


def _socket(connection: Any) -> dict[str, str]:
    def address(end: Any) -> str:
        if isinstance(end, str):
            return end
        return ":".join(map(str, end or ()))

    ends = {"local": address(connection.laddr), "remote": address(connection.raddr)}
    return {**ends, "status": connection.status}


def _identity(log: Path) -> tuple[int, int]:
    try:
        status = log.stat()
    except OSError:
        return 0, 0
    return status.st_size, status.st_ino


def _forget_oldest(folder: Path, newest: Path) -> None:
    """Delete the oldest by name, but not the `newest`: the clock may have been set back."""
    others = sorted(path for path in folder.iterdir() if path.is_dir() and path != newest)
    for path in others[: 1 - MOST_EXAMINATIONS]:
        shutil.rmtree(path, ignore_errors=True)
