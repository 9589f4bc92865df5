"""`ocsd run --reload`: restarts an agent whenever one of its files is saved."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from ocsd.forkserver.own_files import FILES_VARIABLE

_SAVED_POLL_S = 0.2
_END_POLL_S = 0.02
_PATIENCE: tuple[tuple[signal.Signals, float], ...] = (
    # The operations of an agent have ten seconds to end.
    (signal.SIGINT, 12.0),
    (signal.SIGTERM, 3.0),
    (signal.SIGKILL, 10.0),
)

_Stamp: TypeAlias = tuple[int, int, int]


class SavedFiles:
    """Notices when one of some files is saved."""

    def __init__(self) -> None:
        self._stamps: dict[str, _Stamp | None] = {}

    def __bool__(self) -> bool:
        return bool(self._stamps)

    def add(self, paths: Iterable[str], loaded_after_ns: int) -> str | None:
        """Watch more files, which were loaded after a time [ns, Unix time].

        Return one that was saved after that time, maybe after it was loaded.
        """
        saved = None
        for path in paths:
            if path not in self._stamps:
                stamp = self._stamps[path] = _stamp(path)
                if stamp is not None and loaded_after_ns < stamp[0] <= time.time_ns():
                    saved = path
        return saved

    def saved(self) -> str | None:
        """Return a file that was saved since the last call."""
        for path, before in self._stamps.items():
            now = _stamp(path)
            # An editor may remove a file for a moment.
            if now is not None and now != before:
                self._stamps[path] = now
                return path
        return None


def _stamp(path: str) -> _Stamp | None:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def run(name: str, command: list[str], environment: dict[str, str]) -> int:
    """Run the agent `name` until Ctrl-C, and run it again whenever its code is saved.

    Its program reports its files on the descriptor that `FILES_VARIABLE` names. Return 0 after
    Ctrl-C, or the agent's exit code if it ended before it reported any file.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    files = SavedFiles()
    while True:
        child = _Child(command, environment)
        try:
            saved = child.watch(files, name)
        except KeyboardInterrupt:
            child.end()
            return 0
        finally:
            child.close()
        if saved is None:
            return child.process.returncode
        _say(f"{Path(saved).name} changed: restarting")


class _Child:
    """One run of the agent."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self._begun_ns = time.time_ns()
        self._pipe, reports = os.pipe()
        os.set_blocking(self._pipe, False)
        self._rest = b""
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            env={**environment, FILES_VARIABLE: str(reports)},
            pass_fds=[reports],
            # Ctrl-C reaches only this process, which ends the agent in steps.
            process_group=0,
        )
        os.close(reports)

    def watch(self, files: SavedFiles, name: str) -> str | None:
        """Return the first file that is saved; None if the agent ended without reporting a file."""
        end_is_reported = False
        while True:
            ended = self._ended()
            saved = files.add(self._reported(), self._begun_ns) or files.saved()
            if saved is not None:
                self.end()
                return saved
            if ended and not files:
                return None
            if ended and not end_is_reported:
                _say(f"{name} ended with {_how(self.process.returncode)}; waiting for a change")
                end_is_reported = True
            time.sleep(_SAVED_POLL_S)

    def end(self) -> None:
        """End the agent, the gentle way first; each Ctrl-C takes the next step at once."""
        for number, limit_s in _PATIENCE:
            if self._ended():
                return
            self._signal(number)
            limit_at_s = time.monotonic() + limit_s
            with suppress(KeyboardInterrupt):
                while not self._ended() and time.monotonic() < limit_at_s:
                    time.sleep(_END_POLL_S)

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._pipe)

    def _ended(self) -> bool:
        if self.process.returncode is None:
            how = os.WEXITED | os.WNOHANG | os.WNOWAIT
            if os.waitid(os.P_PID, self.process.pid, how) is not None:
                # The pid of a zombie cannot be used again. Processes left in its group
                # may hold the device that the next run needs.
                self._signal(signal.SIGKILL)
                self.process.wait()
        return self.process.returncode is not None

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, number)

    def _reported(self) -> list[str]:
        """Return the files that the agent has reported since the last call."""
        with suppress(BlockingIOError):
            while data := os.read(self._pipe, 1 << 16):
                self._rest += data
        *lines, self._rest = self._rest.split(b"\n")
        return [os.fsdecode(line) for line in lines]


def _how(code: int) -> str:
    if code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


def _say(text: str) -> None:
    print(f"ocsd: {text}", file=sys.stderr, flush=True)
