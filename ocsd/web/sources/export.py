"""Samples as a file for other programs: written by `ocsd data export`, in a process of its own."""

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol

from ocsd.text.times import utc
from ocsd.text.units import memory
from ocsd.web.refusals import AwayError, RequestRefusedError
from ocsd.web.sending import Sending

EXPORT_TYPES: Final = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}
LOW_PRIORITY: Final = 15
LONGEST_FAILURE: Final = 2000
VALUE_BYTES: Final = 32
"""Memory, and space in a file, that an exported value takes at most, about: it has a time."""


def check_room(values: int) -> None:
    """Refuse an export for which this machine has no room: it also records.

    Raises
    ------
    RequestRefusedError, AwayError
        If the values need more than half of the memory or disk that is free.
    """
    try:
        rooms = {"memory": _free_memory_bytes(), "disk": _free_disk_bytes()}
    except OSError as error:
        raise AwayError(f"there is no place for the file: {error}") from error
    for what, free_bytes in rooms.items():
        if values * VALUE_BYTES > free_bytes / 2:
            raise RequestRefusedError(
                f"an export of {values:,} values takes {memory(values * VALUE_BYTES)} of {what}, "
                f"and this machine has {memory(free_bytes)}; choose a shorter time or fewer "
                "fields, or copy the files and use `ocsd data export` elsewhere"
            )


def _free_memory_bytes() -> int:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    sizes = dict(line.split(":", 1) for line in lines)
    return int(sizes["MemAvailable"].split()[0]) * 1024


def _free_disk_bytes() -> int:
    return shutil.disk_usage(tempfile.gettempdir()).free


class Export:
    """One export for one client; the process ends when the client goes away."""

    def __init__(
        self, request: Any, folder: Path, fields: Sequence[str], span: tuple[float, float]
    ) -> None:
        self._request = request
        self._folder = folder
        self._fields = fields
        self._span = span
        self._process: Any = None
        self._place: tempfile.TemporaryDirectory[str] | None = None

    async def start(self, reactor: Any, kind: str) -> None:
        """Write the samples into a file, then send it; returns when all is sent.

        Raises
        ------
        RequestRefusedError, AwayError
            If they cannot be written.
        """
        # A folder: the command writes beside the file, and leaves that if it is killed.
        try:
            self._place = place = tempfile.TemporaryDirectory(
                prefix="ocsd-export-", ignore_cleanup_errors=True
            )
        except OSError as error:
            raise AwayError(f"there is no place for the file: {error}") from error
        path = os.path.join(place.name, f"samples.{kind}")
        try:
            ended = _Ended()
            words = self._words(path)
            self._process = reactor.spawnProcess(ended, words[0], words, env=os.environ)
            self._request.notifyFinish().addBoth(self._kill)
            failure = await ended.done
            if failure:
                raise RequestRefusedError(failure)
            self._head(kind)
            with open(path, "rb") as content:
                await Sending(self._request, content, reactor).done
            self._request.finish()
        finally:
            self._kill(None)
            place.cleanup()

    def end(self) -> None:
        """Leave neither process nor file behind: this process ends."""
        if self._process is not None and self._process.pid:
            self._process.signalProcess("KILL")
            with suppress(ChildProcessError):
                os.waitpid(self._process.pid, 0)  # else it may write once more
        if self._place is not None:
            self._place.cleanup()

    def _words(self, path: str) -> list[str]:
        since_at, until_at = self._span
        return [
            "/usr/bin/nice",
            "-n",
            str(LOW_PRIORITY),
            sys.executable,
            *("-P", "-m", "ocsd", "data", "export", "--folder", str(self._folder)),
            *("--since", _moment(since_at), "--until", _moment(until_at), "-o", path, "--"),
            *self._fields,
        ]

    def _head(self, kind: str) -> None:
        since, until = (utc(at).replace(":", "") for at in self._span)
        name = f"ocsd {since} {until}.{kind}".replace(" ", "_")
        header = f'attachment; filename="{name}"'
        self._request.setHeader(b"content-type", EXPORT_TYPES[kind].encode())
        self._request.setHeader(b"content-disposition", header.encode("ascii", "replace"))

    def _kill(self, _: object) -> None:
        if self._process is not None and self._process.pid:
            self._process.signalProcess("KILL")


def _moment(at: float) -> str:
    """Return a Unix time [s] as the command line takes it, to the microsecond."""
    try:
        return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError, OSError) as error:
        raise RequestRefusedError(f"{at:g} is no time of the calendar") from error


class _Ended(ProcessProtocol):
    """Waits for the end of the process; `done` fires with its last words if it has failed."""

    def __init__(self) -> None:
        self._words = b""
        self.done: Deferred[str] = Deferred()

    def errReceived(self, data: bytes) -> None:
        self._words = (self._words + data)[-LONGEST_FAILURE:]

    def processEnded(self, reason: Any) -> None:
        failure = ""
        if reason.value.exitCode != 0:
            words = self._words.decode("utf-8", "replace").strip().split("\n")[-1]
            failure = words.removeprefix("ocsd: ") or f"the export ended: {reason.value}"
        if not self.done.called:
            self.done.callback(failure)
