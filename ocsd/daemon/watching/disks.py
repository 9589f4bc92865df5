"""Measures the disks of data, state and logs, and warns before one is full.

A network disk that does not answer holds up whoever asks, so a thread of its own does.
"""

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf
from pathlib import Path
from typing import Any, Final, TypeAlias

from twisted.logger import Logger

from ocsd.supervisor.disk_space import DiskHistory, Space, warning

MEASURE_PERIOD_S: Final = 10.0
REMIND_S: Final = 3600.0
"""A disk that was well for this long is warned of again [s]."""
SILENT_AFTER_S: Final = 60.0
"""A disk that was not measured for this long does not answer [s]."""


_Key: TypeAlias = int | str


@dataclass(frozen=True, slots=True)
class Disk:
    """A file system that something of this host is on."""

    path: Path
    """A folder on it."""
    what: tuple[str, ...]
    """Its uses: ``data``, ``state``, ``logs``, ``runtime``."""
    history: DiskHistory
    fault: str = ""
    """Why it cannot be measured; empty if it can."""


@dataclass(eq=False)
class Disks:
    """Keeps the latest measurements."""

    log = Logger()

    places: Callable[[], Mapping[str, Path]]
    """Returns the folder of ``data``, ``state`` and so on."""
    on_warning: Callable[[str], None]
    """Takes each warning once; called by `round`."""
    clock_s: Callable[[], float] = time.monotonic
    _disks: dict[_Key, Disk] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._measured_s = self.clock_s()
        self._needed_s: dict[_Key, float] = {}

    def start(self) -> None:
        """Measure every ten seconds, in a thread that holds up nobody."""
        threading.Thread(target=self._go_on, name="disks", daemon=True).start()

    def measure(self) -> None:
        """Measure each disk once."""
        now_s, found = self.clock_s(), {}
        for key, disk in _disks(self.places()).items():
            before = self._disks.get(key, disk)
            found[key] = _measured(replace(disk, history=before.history), now_s)
        self._disks, self._measured_s = found, now_s

    def round(self) -> None:
        """Report each disk that has begun to need a warning."""
        now_s = self.clock_s()
        for key, disk in self._disks.items():
            if text := _warning(disk):
                if now_s - self._needed_s.get(key, -inf) > REMIND_S:
                    self.on_warning(text)
                self._needed_s[key] = now_s

    def as_json(self) -> list[dict[str, Any]]:
        """Return the disks for the status."""
        silent_s = self.clock_s() - self._measured_s
        return [_row(disk, silent_s) for disk in self._disks.values()]

    def _go_on(self) -> None:
        while True:
            try:
                self.measure()
            except Exception:  # noqa: BLE001 - the next measurement may be better
                self.log.failure("while the disks were measured")
            time.sleep(MEASURE_PERIOD_S)


def space_of(statistics: os.statvfs_result) -> Space:
    """Return what a user without privileges may use of a file system."""
    total_units = statistics.f_blocks - statistics.f_bfree + statistics.f_bavail
    return Space(
        total_units * statistics.f_frsize,
        statistics.f_bavail * statistics.f_frsize,
        statistics.f_files - statistics.f_ffree + statistics.f_favail,
        statistics.f_favail,
        bool(statistics.f_flag & os.ST_RDONLY),
    )


def _row(disk: Disk, silent_s: float) -> dict[str, Any]:
    space, full_in_s = disk.history.now or Space(0, 0), disk.history.full_in_s
    text = _warning(disk)
    if silent_s > SILENT_AFTER_S:
        text = f"the disk of {', '.join(disk.what)} ({disk.path}) was not measured for "
        text += f"{silent_s:.0f} s: this disk or another one does not answer"
    return {
        "path": str(disk.path),
        "what": list(disk.what),
        "total_bytes": space.total_bytes,
        "free_bytes": space.free_bytes,
        "used": round(space.used, 4),
        "full_in_s": full_in_s and round(full_in_s),
        "warning": text,
    }


def _warning(disk: Disk) -> str:
    if disk.fault:
        return f"the disk of {', '.join(disk.what)} ({disk.path}) {disk.fault}"
    return warning(disk.what, str(disk.path), disk.history)


def _measured(disk: Disk, now_s: float) -> Disk:
    if disk.fault:
        return disk
    try:
        space = space_of(os.statvfs(disk.path))
    except OSError as error:
        return replace(disk, fault=_fault(error))
    return replace(disk, history=disk.history.after(now_s, space))


def _fault(error: OSError) -> str:
    return f"cannot be measured: {error.strerror}"


def _disks(places: Mapping[str, Path]) -> dict[_Key, Disk]:
    """Return the file systems, not measured yet, by device, or by use if that is not known."""
    found: dict[_Key, Disk] = {}
    for what, path in places.items():
        try:
            folder = _existing((path, *path.parents))
            device = folder.stat().st_dev
        except OSError as error:
            found[what] = Disk(path, (what,), DiskHistory(), _fault(error))
            continue
        before = found.get(device, Disk(folder, (), DiskHistory()))
        found[device] = replace(before, what=(*before.what, what))
    return found


def _existing(candidates: Iterable[Path]) -> Path:
    """Return the first folder that exists: what is to be made in it will be on its disk."""
    return next(path for path in candidates if path.exists())
