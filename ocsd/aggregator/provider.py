"""The samples of one feed that wait for their frame."""

from array import array
from collections.abc import Mapping
from typing import Any

from ocsd.aggregator.columns import (
    LONG_LIST,
    NOT_ALL_NUMBERS,
    Column,
    Kind,
    MisfitError,
    kind_of,
    wider,
)
from ocsd.aggregator.message import Origin, RefusedError, Samples, check_field_names
from ocsd.aggregator.moment import Moment


class Block:
    """Samples of co-sampled fields.

    Parameters
    ----------
    kinds : mapping of str to Kind
        Type of each field.

    Attributes
    ----------
    times : array of float64, shape (n,)
        Unix time of each sample [s].
    columns : dict of str to Column
        One column of n values for each field.
    framed : bool
        True once a frame with this block was written: readers take the types of
        the first frame for the whole provider, so they are fixed from then on.
    bytes_per_sample : int
        About how much memory one sample of all fields takes.
    """

    __slots__ = ("_short_takers", "bytes_per_sample", "columns", "framed", "times")

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self.times: array[float] = array("d")
        self.columns = {name: Column(kind) for name, kind in kinds.items()}
        self.framed = False
        self._renew()

    def extend(self, samples: Samples) -> bool:
        """Append samples with the fields of this block, all of them or none.

        Returns
        -------
        bool
            False if they do not fit because a field has another type now.

        Raises
        ------
        RefusedError
            If no block could hold them.
        """
        if self._append(samples):
            return True
        return not self.framed and self._widen(samples) and self._append(samples)

    def clear(self) -> None:
        """Forget the samples, which have been written."""
        self.framed = self.framed or bool(self.times)
        self.times = array("d")
        for column in self.columns.values():
            column.clear()
        self._renew()

    def _renew(self) -> None:
        columns = self.columns
        self.bytes_per_sample = 8 + sum(column.bytes_per_value for column in columns.values())
        self._short_takers = {name: column.short_taker() for name, column in columns.items()}

    def _append(self, samples: Samples) -> bool:
        length = len(self.times)
        if len(samples.timestamps) >= LONG_LIST or not self._append_short(samples, length):
            name = ""
            try:
                for name, values in samples.columns.items():  # named in the error
                    self.columns[name].extend(values)
            except MisfitError:
                self._truncate(length)
                return False
            except ValueError as error:
                self._truncate(length)
                raise _bad_field(samples, name, error) from error
        self.times.fromlist(samples.timestamps)
        return True

    def _append_short(self, samples: Samples, length: int) -> bool:
        """Append at 0.1 us a field; False, and nothing done, if that does not work."""
        takers = self._short_takers
        try:
            for name, values in samples.columns.items():
                takers[name](values)
        except (MisfitError, ValueError, *NOT_ALL_NUMBERS):
            self._truncate(length)
            return False
        return True

    def _truncate(self, length: int) -> None:
        for column in self.columns.values():
            column.truncate(length)

    def _widen(self, samples: Samples) -> bool:
        """Make room for wider numbers; False if a field became something else."""
        wanted = kinds_of(samples)
        kinds = {name: wider(column.kind, wanted[name]) for name, column in self.columns.items()}
        if None in kinds.values():
            return False
        for name, kind in kinds.items():
            if kind is not None and kind is not self.columns[name].kind:
                self.columns[name].widen(kind)
        self._renew()
        return True


class Provider:
    """A feed during one run of its agent, with one fixed set of columns a block.

    Parameters
    ----------
    prov_id : int
        Number of the provider in the files.
    origin : Origin
        The sender, as it introduced itself first.
    now : Moment
        The time of its first message.
    """

    def __init__(self, prov_id: int, origin: Origin, now: Moment) -> None:
        self.prov_id = prov_id
        self.address = origin.address
        self.session_id = origin.session_id
        self.frame_length_s = origin.frame_length_s
        self.fresh_time_s = origin.fresh_time_s
        self.started = now
        self.refreshed = now
        self.retired = False
        self.last_block: str | None = None
        self.blocks: dict[str, Block] = {}
        self.buffered_bytes = 0
        self._oldest_s: float | None = None

    def offer(self, samples: Samples, known: Mapping[str, Kind], now: Moment) -> bool:
        """Take samples, unless they belong to another provider.

        Parameters
        ----------
        samples : Samples
            What came in.
        known : mapping of str to Kind
            Types that the fields of this block had before, if any; a new block
            is made wide enough for them as well.
        now : Moment
            The time of arrival.

        Returns
        -------
        bool
            False if this provider has that block with other fields or types.

        Raises
        ------
        RefusedError
            If no provider can take them.
        """
        if self.retired:
            return False
        block = self.blocks.get(samples.block_name)
        if block is None:
            block = _new_block(samples, known)
        elif block.columns.keys() != samples.columns.keys():
            return False
        if not block.extend(samples):
            return False
        self.blocks[samples.block_name] = block
        self.last_block = samples.block_name
        self.refreshed = now
        self.buffered_bytes += block.bytes_per_sample * len(samples.timestamps)
        if self._oldest_s is None:
            self._oldest_s = now.mono_s
        return True

    @property
    def empty(self) -> bool:
        """True if nothing waits for a frame."""
        return self._oldest_s is None

    def frame_due(self, now: Moment) -> bool:
        """Tell whether the oldest sample has waited long enough, by arrival.

        The age of the timestamps does not count: an agent that catches up would
        otherwise cause a frame for every message.
        """
        return self._oldest_s is not None and now.mono_s - self._oldest_s >= self.frame_length_s

    def stale(self, now: Moment) -> bool:
        """Tell whether the feed has been silent for its `fresh_time`."""
        return now.mono_s - self.refreshed.mono_s > self.fresh_time_s

    def clear(self) -> None:
        """Forget the samples, which have been written."""
        for block in self.blocks.values():
            block.clear()
        self.buffered_bytes = 0
        self._oldest_s = None

    def encoded(self, now: Moment) -> dict[str, Any]:
        """Return the provider as OCS shows it in session.data."""
        return {
            "last_refresh": self.refreshed.at,
            "sessid": self.session_id,
            "stale": self.stale(now),
            "last_block_received": self.last_block,
        }


def kinds_of(samples: Samples) -> dict[str, Kind]:
    """Return the type that each field of `samples` needs.

    Raises
    ------
    RefusedError
        If a field has values of no common type.
    """
    kinds = {}
    for name, values in samples.columns.items():
        try:
            kinds[name] = kind_of(values)
        except ValueError as error:
            raise _bad_field(samples, name, error) from error
    return kinds


def _new_block(samples: Samples, known: Mapping[str, Kind]) -> Block:
    check_field_names(samples.block_name, list(samples.columns))
    kinds = kinds_of(samples)
    return Block({name: wider(kind, known.get(name, kind)) or kind for name, kind in kinds.items()})


def _bad_field(samples: Samples, name: str, error: Exception) -> RefusedError:
    return RefusedError(f"block {samples.block_name!r}: field {name!r} {error}")
