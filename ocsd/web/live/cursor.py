"""The new columns and texts of the fields that one viewer looks at."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import numpy as np
import orjson
from numpy.typing import NDArray

from ocsd.journal.kinds import Kind
from ocsd.journal.layout import Layout, PackedBlock, Values, gather, numbers_of
from ocsd.web.live.columns import BYTES_OF_FIELD, LiveColumns, Summed, fresh_together
from ocsd.web.live.recent import RecentBlocks, Track

SHORTEST_STEP_S: Final = 2.0**-8
LONGEST_STEP_S: Final = 2.0**16

# A viewer who has to begin anew gets this much before the newest sample [s].
_LOOK_BACK_S: Final = 10.0

_COLUMNS_AT_BEGIN: Final = 1024
"""Columns that a viewer gets at the begin, about: what is before is in the window."""

# A feed may have ever other sets of its fields, each of which has sums of its own. After so many
# new ones a viewer begins anew.
_NEW_SUMS: Final = 256


class LiveBegin(NamedTuple):
    """From a time on the updates behind this one are complete; drop what was drawn of it.

    Ask for the window up to that time when this has come, not before.
    """

    since: float
    """A whole number of steps and of seconds [s, Unix time]."""
    step: float
    """Length of a column [s]."""


class LiveRedraw(NamedTuple):
    """Samples came late: ask for the window again from this time on [s, Unix time]."""

    since: float


class LiveUpdate(NamedTuple):
    """New columns and texts; a column that was sent before has more samples now."""

    columns: Mapping[str, LiveColumns]
    """By full name of the field; texts count as NaN, as in a window."""
    texts: Mapping[str, Sequence[tuple[float, str]]]
    """Times [s, Unix time] at which the text of a field changed, and the text from then on."""

    def as_json(self) -> bytes:
        """Return the fields as `GET live` answers, as JSON; infinities and NaN are null."""
        fields: dict[str, Any] = {name: each._asdict() for name, each in self.columns.items()}
        for name, changes in self.texts.items():
            fields.setdefault(name, {})["changes"] = changes
        return orjson.dumps(fields, option=orjson.OPT_SERIALIZE_NUMPY)


LiveEvent: TypeAlias = LiveBegin | LiveRedraw | LiveUpdate


class Journaled(NamedTuple):
    """The time since which the journal was read without a gap."""

    gaps: int
    """Number of gaps so far."""
    since_at: float
    """Every sample that is newer has been seen [s, Unix time]."""


class _Kinds(NamedTuple):
    """The fields of a layout that are watched."""

    numbers: tuple[str, ...]
    texts: tuple[str, ...]


class LiveCursor:
    """Follows fields for one viewer, from the newest sample that was received.

    Parameters
    ----------
    recent : RecentBlocks
        The last messages.
    journaled : callable
        Returns how far back they are complete.
    fields : iterable of str
        Full names of fields.
    step_s : float
        Length of the columns [s], rounded down to a power of two: these divide Unix times
        without rounding.
    since_at : float
        Time from which the viewer wants columns [s, Unix time].
    """

    def __init__(
        self,
        recent: RecentBlocks,
        journaled: Callable[[], Journaled],
        fields: Iterable[str],
        step_s: float,
        since_at: float,
    ) -> None:
        self._recent = recent
        self._journaled = journaled
        self._fields: dict[str, list[str]] = defaultdict(list)
        for full in dict.fromkeys(fields):
            address, _, name = full.rpartition(".")
            self._fields[address].append(name)
        self._step_s = float(2.0 ** np.floor(np.log2(step_s)))
        self._step_s = min(max(self._step_s, SHORTEST_STEP_S), LONGEST_STEP_S)
        self._since_at = since_at
        self._gaps = -1
        self._order = 0
        self._again = True
        self._late_at = np.inf
        self._sums: dict[tuple[Track, tuple[str, ...]], Summed] = {}
        self._parts: dict[str, list[Summed]] = defaultdict(list)
        self._kinds: WeakKeyDictionary[Layout, _Kinds] = WeakKeyDictionary()
        self._most_sums = 0
        self._texts: dict[str, tuple[float, str]] = {}
        self._changes: dict[str, list[tuple[float, str]]] = {}

    @property
    def size_bytes(self) -> int:
        """Memory that it may take, about."""
        return BYTES_OF_FIELD * sum(map(len, self._fields.values()))

    def updates(self) -> list[LiveEvent]:
        """Return what is new since the last call.

        The first is a `LiveBegin`. It comes again if columns that were sent cannot be corrected:
        the journal was read with a gap, the viewer was too slow, or samples came very late.
        """
        events: list[LiveEvent] = []
        if not self._again:
            self._take()
        if self._again or self._gaps != self._journaled().gaps:
            events.append(self._begin())
        elif self._late_at < np.inf:
            events.append(LiveRedraw(float(self._late_at)))
        self._late_at = np.inf
        update = self._update()
        if update.columns or update.texts:
            events.append(update)
        return events

    def _begin(self) -> LiveBegin:
        """Begin anew, with all samples that are there."""
        journaled = self._journaled()
        tracks = [track for track, _ in self._tracks()]
        look_back_s = _LOOK_BACK_S
        if self._gaps < 0:
            look_back_s = max(look_back_s, _COLUMNS_AT_BEGIN * self._step_s)
        # The clock of an agent may be ahead.
        newest_at = max((track.newest.at for track in tracks), default=-np.inf)
        newest_at = min(newest_at, self._recent.arrived_at)
        wish_at = max(self._since_at, newest_at - look_back_s)
        self._gaps = journaled.gaps
        whole_since = max([journaled.since_at, *(track.dropped_until for track in tracks)])
        unit_s = max(self._step_s, 1.0)
        since_at = np.floor(wish_at / unit_s) * unit_s
        if since_at <= whole_since:
            since_at = np.ceil(np.nextafter(whole_since, np.inf) / unit_s) * unit_s
        self._since_at = float(since_at)
        self._order = -1
        self._again = False
        self._sums.clear()
        self._parts.clear()
        self._texts.clear()
        self._changes.clear()
        self._take()
        self._again = False
        self._most_sums = len(self._sums) + _NEW_SUMS
        return LiveBegin(self._since_at, self._step_s)

    def _tracks(self) -> Iterator[tuple[Track, list[str]]]:
        for address, names in self._fields.items():
            for track in self._recent.of(address):
                yield track, names

    def _take(self) -> None:
        """Take in the blocks that have come since the last call."""
        for track, names in self._tracks():
            if track.dropped_order >= self._order >= 0:
                self._again = True
            for kinds, blocks in self._alike(track.since(self._order), names).items():
                self._add(track, kinds, blocks)
        self._order = self._recent.order

    def _alike(
        self, blocks: Sequence[PackedBlock], names: Sequence[str]
    ) -> dict[_Kinds, list[PackedBlock]]:
        """Return blocks by those of the fields that they have."""
        found: dict[_Kinds, list[PackedBlock]] = {}
        for layout, same in groupby(blocks, key=lambda packed: packed.layout):
            kinds = self._kinds.get(layout)
            if kinds is None:
                kinds = self._kinds[layout] = _kinds_of(layout, names)
            if kinds.numbers or kinds.texts:
                found.setdefault(kinds, []).extend(same)
        return found

    def _add(self, track: Track, kinds: _Kinds, blocks: Sequence[PackedBlock]) -> None:
        times, values = numbers_of(blocks, kinds.numbers)
        if kinds.texts:
            values = np.concatenate((values, np.full((len(kinds.texts), len(times)), np.nan)))
        fresh_times, fresh_values = times, values
        early = times < self._since_at
        if early.any():
            self._late_at = min(self._late_at, times[early].min())
            if early.all():
                return
            fresh_times, fresh_values = times[~early], values[:, ~early]
        self._add_columns(track, kinds.numbers + kinds.texts, fresh_times, fresh_values)
        if kinds.texts:
            columns = gather(blocks, dict.fromkeys(kinds.texts, Kind.TEXT))
            for name in kinds.texts:
                self._add_texts(f"{track.address}.{name}", times, columns[name])

    def _add_columns(
        self,
        track: Track,
        names: tuple[str, ...],
        times: NDArray[np.float64],
        values: NDArray[np.float64],
    ) -> None:
        summed = self._sums.get((track, names))
        if summed is None:
            self._again |= len(self._sums) >= self._most_sums
            full_names = [f"{track.address}.{name}" for name in names]
            summed = self._sums[track, names] = Summed(self._step_s, full_names)
            for full in full_names:
                self._parts[full].append(summed)
        if not summed.add(times, values):
            self._again = True

    def _add_texts(self, full: str, times: NDArray[np.float64], texts: Values) -> None:
        last_at, last = self._texts.get(full, (-np.inf, None))
        places = [
            k for k in np.argsort(times, kind="stable").tolist() if times[k] >= self._since_at
        ]
        if times[places[0]] < last_at:
            self._again = True
        for place in places:
            if texts[place] != last:
                last = texts[place]
                self._changes.setdefault(full, []).append((float(times[place]), last))
        self._texts[full] = float(times.max()), str(last)

    def _update(self) -> LiveUpdate:
        columns: dict[str, LiveColumns] = {}
        for summed in self._sums.values():
            columns |= summed.fresh()
        for full in columns:
            parts = self._parts[full]
            if len(parts) > 1:  # the other fields beside it have changed
                columns[full] = fresh_together(parts, full)
        for summed in self._sums.values():
            summed.settle()
        changes, self._changes = self._changes, {}
        return LiveUpdate(columns, {full: sorted(each) for full, each in changes.items()})


def _kinds_of(layout: Layout, names: Sequence[str]) -> _Kinds:
    """Return those of the fields that a layout has; numbers of all types are floats."""
    present = [name for name in names if name in layout.kinds]
    texts = tuple(name for name in present if layout.kinds[name] is Kind.TEXT)
    return _Kinds(tuple(name for name in present if name not in texts), texts)
