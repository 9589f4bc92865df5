"""Recorded messages that differ from an earlier one in their numbers only, checked by their bytes.

Most messages of a feed have the same fields as the one before. Such a message is packed for the
spool as it is. If every byte but those of the numbers is as in an earlier message that obeyed the
rules (`ocsd.agent.feeds.message`), this one obeys them too: its names, its lengths and the types
of its values are the same. Its times are checked by themselves.
"""

import re
from collections.abc import Mapping
from math import isfinite
from struct import Struct, unpack
from typing import Any, Final, NamedTuple

from ocsd.agent.feeds.times import allowed_times
from ocsd.agent.spool.segment import packed

MOST_PATTERNS: Final = 16
"""Patterns that a feed remembers, one for each name of a block."""

MOST_ROW_COUNTS: Final = 8
"""Numbers of rows for which a pattern remembers its parts."""

LONGEST_PAUSE: Final = 64
"""Messages for which a feed is not tried again, if its messages differ in more than numbers."""

# Two numbers of each type, and the difference of their bytes: that finds the numbers' places.
_PROBES: Final[Mapping[type, tuple[Any, Any]]] = {
    float: (0.0, unpack("<d", b"\1" * 8)[0]),
    int: (0, 0x01010101),
}
_DIFFERENT: Final = re.compile(rb"\x01{8}|\x01{4}")
_NUMBER_BYTES: Final = {b"g": 9, b"i": 5}
"""Size of a packed number by the byte that begins it and says its type."""
_ROWS: Final = Struct("<I")


class BytePattern(NamedTuple):
    """The bytes that packed messages which differ in their numbers only have in common.

    `between` has those between the numbers of a message of one row: each but the last ends with
    the number of rows and with the byte that begins a number. `parts` has the places of all that
    messages have in common, by their number of rows.
    """

    between: tuple[bytes, ...]
    parts: dict[int, tuple[tuple[slice, bytes], ...]]

    @classmethod
    def of(cls, sample: Mapping[str, Any]) -> "BytePattern | None":
        """Return the pattern of a checked message; None if not all columns are of one number type.

        Parameters
        ----------
        sample : dict
            Samples in their checked form (`ocsd.agent.feeds.message.checked_sample`).
        """
        kinds = [_kind(column) for column in (sample["timestamps"], *sample["data"].values())]
        if None in kinds:
            return None
        first, second = (_probe(sample, kinds, which) for which in (0, 1))
        if len(first) != len(second):
            return None
        between = _between(first, second)
        if any(head[-1:] not in _NUMBER_BYTES for head in between[:-1]):
            return None  # It is kept in another format, because of odd tags.
        return cls(tuple(between), {})

    def fits(self, body: bytes, rows: int) -> bool:
        """Return whether a packed message of `rows` rows differs in its numbers only."""
        parts = self.parts.get(rows)
        if parts is None:
            if len(self.parts) >= MOST_ROW_COUNTS:
                self.parts.clear()
            parts = self.parts[rows] = tuple(self._parts(rows))
        for place, part in parts:  # noqa: SIM110 - all() takes twice the time
            if body[place] != part:
                return False
        return True

    def _parts(self, rows: int) -> list[tuple[slice, bytes]]:
        parts, end = [], 0
        kinds = {kind: kind * rows for kind in _NUMBER_BYTES}
        for head in self.between[:-1]:
            begin, end = end, end + len(head)
            kind = head[-1:]
            parts.append((slice(begin, end), head[:-5] + _ROWS.pack(rows) + kind))
            begin, size = end - 1, _NUMBER_BYTES[kind]
            end = begin + rows * size
            if rows > 1:
                parts.append((slice(begin, end, size), kinds[kind]))
        parts.append((slice(end, None), self.between[-1]))
        return parts


def _kind(column: list[Any]) -> type | None:
    """Return the type of all numbers of a column; None if they are not of one."""
    kinds = set(map(type, column))
    if len(kinds) == 1 and kinds <= _PROBES.keys():
        return kinds.pop()
    return None


def _probe(sample: Mapping[str, Any], kinds: list[Any], which: int) -> bytes:
    """Return a packed message of one row with probes for its numbers."""
    time, *row = (_PROBES[kind][which] for kind in kinds)
    columns = {field: [number] for field, number in zip(sample["data"], row, strict=True)}
    return _packed(sample["block_name"], [time], columns, sample.get("influxdb_tags"))


def _between(first: bytes, second: bytes) -> list[bytes]:
    """Return the pieces of the first message between the numbers, in which both differ."""
    difference = int.from_bytes(first, "little") ^ int.from_bytes(second, "little")
    ends = [0]
    for found in _DIFFERENT.finditer(difference.to_bytes(len(first), "little")):
        ends += found.span()
    ends.append(len(first))
    return [first[begin:end] for begin, end in zip(ends[::2], ends[1::2], strict=True)]


class Patterns:
    """The patterns of a feed's messages; for any thread."""

    def __init__(self) -> None:
        self._patterns: dict[str, BytePattern] = {}
        self._misses = 0
        # Messages before the next try; below zero after one.
        self._pause = -1

    def packed(self, message: Any, now_at: float) -> bytes | None:
        """Return an author's message as a spool keeps it, if it is known to obey the rules.

        Parameters
        ----------
        message : dict
            As `ocsd.agent.feeds.message.checked_sample` takes it; may break any rule.
        now_at : float
            The present Unix time [s].

        Returns
        -------
        bytes or None
            What `ocsd.agent.spool.segment.packed` returns for the message. None if it has to be
            checked.
        """
        self._pause -= 1
        if self._pause >= 0:
            return None
        try:
            name, times, columns = _parts_of(message)
            pattern = self._patterns[name]
            body = _packed(name, times, columns, message.get("influxdb_tags"))
        except (LookupError, TypeError, ValueError):
            return None
        if not pattern.fits(body, len(times)) or not _are_good(times, now_at):
            return None
        self._misses = 0
        return body

    def learn(self, sample: Mapping[str, Any]) -> None:
        """Remember the pattern of a checked message that was not known."""
        if self._pause >= 0 or not sample["timestamps"]:
            return
        self._pause = min(self._misses, LONGEST_PAUSE)
        self._misses = 2 * self._misses + 1
        pattern = BytePattern.of(sample)
        if pattern is not None:
            if len(self._patterns) >= MOST_PATTERNS:
                self._patterns.clear()
            self._patterns[sample["block_name"]] = pattern


def _parts_of(message: Any) -> tuple[str, list[Any], dict[str, Any]]:
    """Return block name, times and columns of an author's message, all of which may be odd.

    Raises
    ------
    LookupError, TypeError
        If it has another form.
    """
    name, columns = message["block_name"], message["data"]
    if not (isinstance(message, dict) and isinstance(columns, dict)):
        raise TypeError
    if "timestamp" in message:
        one = {
            field: [value if type(value) is float else _plain(value)]
            for field, value in columns.items()
        }
        return name, [_plain(message["timestamp"])], one
    times = _plain(message["timestamps"])
    if not isinstance(times, (list, tuple)):
        raise TypeError
    if set(map(type, columns.values())) != {list}:
        columns = {field: _plain(column) for field, column in columns.items()}
    # A copy, because they are read twice, and another thread may change them.
    return name, list(times), columns


def _plain(values: Any) -> Any:
    """Return an array, or a number, of numpy as Python's own."""
    return values.tolist() if hasattr(values, "tolist") else values


def _packed(name: str, times: list[Any], columns: Mapping[str, Any], tags: Any) -> bytes:
    """Return samples as a spool keeps a message of one block."""
    block = {"block_name": name, "data": columns, "timestamps": times}
    if tags is not None:
        block["influxdb_tags"] = tags
    return packed({name: block})


def _are_good(times: list[Any], now_at: float) -> bool:
    """Return whether samples can have these times, which are numbers, now."""
    earliest, latest = allowed_times(now_at)
    # The sum finds a NaN, with which no comparison holds.
    return earliest <= min(times) and max(times) <= latest and isfinite(sum(times))
