"""The newest value of each field of a block."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final, NamedTuple

import numpy as np

from ocsd.journal.layout import PackedBlock, gather

# A sender may make up ever new names.
_MOST_FORMER: Final = 10_000


class LatestValue(NamedTuple):
    """The value of a field in its newest sample."""

    field: str
    """Full name: address of the feed, and name of the field."""
    value: bool | int | float | str
    at: float
    """Time of the sample [s, Unix time]."""
    units: str
    label: str


@dataclass(slots=True)
class NewestBlock:
    """The newest samples of a block, and the last values of fields that it has no more."""

    at: float = float("-inf")
    """Time of the newest sample [s, Unix time]."""
    _packed: PackedBlock | None = None
    _former: dict[str, LatestValue] = field(default_factory=dict)

    def take(self, packed: PackedBlock, at: float) -> None:
        """Take in samples that end at a time [s, Unix time]; older ones than known are left out."""
        if at < self.at:
            return
        before = self._packed
        if before is not None and before.layout is not packed.layout:
            self.let_go(before)
        self.at = at
        self._packed = packed

    def let_go(self, packed: PackedBlock) -> None:
        """Keep no more than the values of samples that are dropped, if they are the newest."""
        if packed is self._packed:
            self._former |= {value.field: value for value in _last_values(packed)}
            self._packed = None
            while len(self._former) > _MOST_FORMER:
                del self._former[next(iter(self._former))]

    @property
    def former(self) -> int:
        """Number of values of samples that were dropped."""
        return len(self._former)

    def forget_former(self) -> None:
        """Forget the values of samples that were dropped."""
        self._former.clear()

    def values(self) -> Iterator[LatestValue]:
        """Yield the newest value of each field."""
        found = self._former
        if self._packed is not None:
            found = found | {value.field: value for value in _last_values(self._packed)}
        yield from found.values()


def is_meant(name: str, pattern: str) -> bool:
    """Return whether a pattern means a full name of a field.

    It is the name, or the end of it behind a dot, or a shell pattern of one of them; or an
    instance, or a feed: everything of it is meant.
    """
    if f".{pattern}." in f".{name}":
        return True
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"*.{pattern}")


def _last_values(packed: PackedBlock) -> Iterator[LatestValue]:
    layout, origin = packed.layout, packed.layout.origin
    columns: dict[str, Any] = gather([packed], layout.kinds)
    times = columns[""]
    last = len(times) - 1 - int(np.argmax(times[::-1]))
    at = float(times[last])
    for name in layout.kinds:
        value = columns[name][last]
        if not isinstance(value, str):
            value = value.item()
        full = f"{origin.address}.{name}"
        yield LatestValue(full, value, at, origin.units.get(name, ""), origin.labels.get(name, ""))
