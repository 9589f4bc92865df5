"""Files of refused messages, from which a night's data can be mended by hand."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import chain, count
from math import isfinite
from pathlib import Path
from typing import Any, Final

from ocsd.supervisor.retention import KEPT_S, Confirmation

# A longer line is cut [characters].
LONGEST_KEPT_MESSAGE: Final = 10_000
FILE_BYTES: Final = 8 * 2**20
TOTAL_BYTES: Final = 64 * 2**20

_DEEPEST_KEPT: Final = 20
_MOST_ITEMS: Final = 2000


class Quarantine:
    """Appends refused messages to files of JSON lines in a folder, one file a day at least."""

    def __init__(self, folder: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._monotonic = monotonic
        self._confirmation: Confirmation[Path] = Confirmation()
        self._path: Path | None = None
        self._length = 0

    def add(self, at: float, sender: str, message: object, feed_info: object, reason: str) -> None:
        """Keep one message that an agent sent, refused at a Unix time [s].

        Raises
        ------
        OSError
            If it cannot be written.
        """
        feed = feed_info.get("address") if isinstance(feed_info, Mapping) else None
        line = {
            "time": at,
            "sender": sender,
            "feed": plain(feed),
            "reason": reason,
            "message": cut(message),
            "feed_info": cut(feed_info),
        }
        data = json.dumps(line).encode() + b"\n"
        path = self._path_for(at)
        with path.open("ab") as file:
            file.write(data)
        self._length += len(data)

    def _path_for(self, at: float) -> Path:
        day = time.strftime("%Y-%m-%d", time.gmtime(at))
        path = self._path
        if path is None or not path.name.startswith(day) or self._length >= FILE_BYTES:
            path = self._next_path(day)
            self._path, self._length = path, _size(path)
            self._remove_old(at)
        return path

    def _next_path(self, day: str) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        names = chain([f"{day}.jsonl"], (f"{day}.{number}.jsonl" for number in count(1)))
        return next(path for path in map(self._folder.joinpath, names) if _size(path) < FILE_BYTES)

    def _remove_old(self, at: float) -> None:
        files = sorted(self._folder.glob("*.jsonl"), key=os.path.getmtime, reverse=True)
        files = [path for path in files if path != self._path]
        expired = [path for path in files if at - path.stat().st_mtime > KEPT_S]
        too_old = self._confirmation.of(expired, self._monotonic())
        total = FILE_BYTES  # of the current file, which grows to that
        for path in files:
            total += _size(path)
            if total > TOTAL_BYTES or path in too_old:
                path.unlink()


def cut(value: object) -> Any:
    """Return a value as JSON can hold it, or as the beginning of its text."""
    safe = plain(value)
    text = json.dumps(safe)
    return safe if len(text) <= LONGEST_KEPT_MESSAGE else text[:LONGEST_KEPT_MESSAGE]


def plain(value: object) -> Any:
    """Return a value as JSON can hold it, bounded in depth and in total."""
    return _plain(value, _DEEPEST_KEPT, iter(range(_MOST_ITEMS)))


def _plain(value: object, deep: int, budget: Iterator[int]) -> Any:
    if value is None or isinstance(value, bool | int | float | str | bytes | bytearray):
        return _plain_scalar(value)
    # One budget for all depths: CBOR can share values, so a small message can be endless.
    if deep and isinstance(value, Mapping):
        items = zip(value.items(), budget, strict=False)
        return {_key(key): _plain(item, deep - 1, budget) for (key, item), _ in items}
    if deep and isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, deep - 1, budget) for item, _ in zip(value, budget, strict=False)]
    return f"a {type(value).__name__}"


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, str):
        return value[:LONGEST_KEPT_MESSAGE]
    if isinstance(value, bytes | bytearray):
        return repr(bytes(value[:LONGEST_KEPT_MESSAGE]))
    if isinstance(value, int) and abs(value) >= 2**63:
        return hex(value)[:LONGEST_KEPT_MESSAGE]
    if isinstance(value, float) and not isfinite(value):
        return repr(value)
    return value


def _key(key: object) -> str:
    return str(plain(key)) if isinstance(key, str) else json.dumps(plain(key))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
