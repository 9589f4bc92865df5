"""Housekeeping frames of the so3g HK schema, version 2 (docs/reference/wire.md, "Files").

Frames leave as the bytes that a file holds, so that writing them is plain file
I/O whose errors can be seen and whose torn ends can be cut off. so3g is imported
when the first frame is made: it is large, and only the recording thread needs it.
"""

import binascii
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ocsd.agent.feeds.units import LABELS, UNITS
from ocsd.aggregator.frames.heap import collect_seldom, keep_freed_memory
from ocsd.aggregator.frames.packed_frame import Entries, FrameColumns, Piece, packed_frame
from ocsd.aggregator.frames.provider import FrameBlock, Provider
from ocsd.aggregator.frames.schema import (
    DATA,
    FOR_DATABASES,
    HKAGG_VERSION,
    SESSION,
    STATUS,
    TICKS_PER_SECOND,
    spt3g_core,
)
from ocsd.aggregator.incoming.moment import Instant
from ocsd.journal.kinds import Kind
from ocsd.journal.layout import Values, gather


@dataclass(frozen=True, slots=True)
class RecordingRun:
    """A recording run, a "session" of the HK schema."""

    session_id: int
    """Differs between runs, ascending in time."""
    started_at: float
    """Unix time [s]."""
    description: str = "HK data"
    """For people."""

    @classmethod
    def begin(cls, now: Instant, description: str = "HK data") -> "RecordingRun":
        """Return a new run.

        Readers would mix up the providers of two runs with one id; so the id holds the
        whole start time, not only its second.
        """
        salt = binascii.crc32(f"{description} {now.at!r} {now.mono_s!r}".encode())
        session_id = (int(now.at) % 2**32) << 28 | (os.getpid() % 2**14) << 14 | salt % 2**14
        return cls(session_id=session_id, started_at=now.at, description=description)


def session_frame(run: RecordingRun) -> bytes:
    """Return the frame that opens every file."""
    frame = _frame(SESSION, run)
    frame["start_time"] = run.started_at
    frame["description"] = run.description
    return _bytes(frame)


def status_frame(run: RecordingRun, providers: Iterable[Provider], now: Instant) -> bytes:
    """Return the frame that lists the providers whose data may follow."""
    core = _core()
    listed = core.G3VectorFrameObject()
    for provider in providers:
        entry = core.G3MapFrameObject()
        entry["prov_id"] = core.G3Int(provider.prov_id)
        entry["description"] = core.G3String(provider.origin.address)
        for key, texts in ((UNITS, provider.origin.units), (LABELS, provider.origin.labels)):
            if texts:
                entry[key] = core.G3MapString(texts)
        if outward := for_databases(provider):
            entry[FOR_DATABASES] = core.G3String(outward)
        listed.append(entry)
    frame = _frame(STATUS, run)
    frame["timestamp"] = now.at
    frame["providers"] = listed
    return _bytes(frame)


def for_databases(provider: Provider) -> str:
    """Return, as JSON, what a writer to databases needs of a provider; empty if nothing."""
    tags = {name: each.layout.tags for name, each in provider.blocks.items() if each.layout.tags}
    told: dict[str, Any] = {}
    if tags:
        told = {"influxdb_tags": tags, "agent_class": provider.origin.agent_class}
    if provider.origin.exclude_influx:
        told["exclude_influx"] = True
    return json.dumps(told) if told else ""


def data_frame(
    run: RecordingRun, provider: Provider, blocks: Mapping[str, FrameColumns], now: Instant
) -> list[Piece]:
    """Return a frame of these blocks of `provider`, which keeps them, as pieces."""
    origin = provider.origin
    entries = _entries(origin.address, origin.session_id, provider.prov_id, run.session_id, now.at)
    return [_frame_of_objects(entries, blocks)] if why_slow() else packed_frame(entries, blocks)


def _entries(
    address: str, provider_session_id: str, prov_id: int, session_id: int, at: float
) -> Entries:
    """Return all of a data frame but its blocks, in the order in which so3g writes them."""
    return {
        "address": address,
        "provider_session_id": provider_session_id,
        "prov_id": prov_id,
        "session_id": session_id,
        "timestamp": at,
        "hkagg_version": HKAGG_VERSION,
        "hkagg_type": DATA,
    }


@cache
def why_slow() -> str:
    """Return why data frames are made by so3g, which takes longer; empty if they are packed here.

    They are where the so3g that is installed does not write the very bytes: what other readers
    cannot read is lost to them.
    """
    entries = _entries("a", "b", 1, 2, 0.5)
    kinds = {"f": Kind.FLOAT, "F": Kind.FLOAT, "i": Kind.INT, "b": Kind.BOOL, "t": Kind.TEXT}
    numbers = np.arange(2, dtype=np.int64)
    floats, texts = numbers / 2, ["", "\xe9"]
    values = {"f": floats, "F": floats, "i": 1 - numbers, "b": numbers == 0, "t": texts}
    one = FrameColumns(kinds, numbers, values)
    two = one._replace(values={**values, "i": numbers << 40})
    blocks = {"one": one, "two": two}
    try:
        packed = b"".join(bytes(piece) for piece in packed_frame(entries, blocks))
        if packed == _frame_of_objects(entries, blocks):
            return ""
        why = "it writes other bytes"
    except Exception as error:  # noqa: BLE001 # whatever it is, frames are made the other way
        why = repr(error)
    return (
        "the so3g that is installed is not as ocsd knows it, so it makes the frames itself, which "
        f"takes several times the CPU time ({why}); nothing is lost; install the ocsd that fits it"
    )


def _frame_of_objects(entries: Entries, blocks: Mapping[str, FrameColumns]) -> bytes:
    """Return the same frame as `packed_frame` does, made by so3g."""
    core = _core()
    vectors = {
        Kind.TEXT: core.G3VectorString,
        Kind.FLOAT: core.G3VectorDouble,
        Kind.INT: core.G3VectorInt,
        Kind.BOOL: core.G3VectorBool,
    }
    maps = core.G3VectorFrameObject()
    for block in blocks.values():
        columns = core.G3TimesampleMap()
        columns.times = core.G3VectorTime(block.ticks)
        for name, kind in block.kinds.items():
            columns[name] = vectors[kind](block.values[name])
        maps.append(columns)
    frame = core.G3Frame(core.G3FrameType.Housekeeping)
    # The order in which so3g writes them depends on this one.
    for name in reversed([*entries]):
        frame[name] = entries[name]
    frame["blocks"] = maps
    frame["block_names"] = core.G3VectorString(list(blocks))
    return _bytes(frame)


def ticks(seconds: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return Unix times [s] as G3Time ticks of 10 ns.

    Seconds and their fraction are converted apart: the product of a present-day
    time and 1e8 needs more than the 53 bits of a float and would be off by up to
    160 ns.

    Parameters
    ----------
    seconds : ndarray of float64, shape (n,)
        Unix times.

    Returns
    -------
    ndarray of int64, shape (n,)
    """
    whole = np.floor(seconds)
    fraction = np.rint((seconds - whole) * TICKS_PER_SECOND)
    return whole.astype(np.int64) * TICKS_PER_SECOND + fraction.astype(np.int64)


def columns_of(block: FrameBlock) -> FrameColumns:
    """Return a block for a frame, its samples in the order of time."""
    columns = gather(block.blocks, block.kinds)
    times = ticks(np.asarray(columns[""]))
    if bool((times[1:] < times[:-1]).any()):
        # Readers search times by bisection.
        order = np.argsort(times, kind="stable")
        times = times[order]
        columns = {name: _reordered(values, order) for name, values in columns.items()}
    return FrameColumns(block.kinds, times, columns)


def _reordered(values: Values, order: NDArray[np.intp]) -> Values:
    return [values[place] for place in order] if isinstance(values, list) else values[order]


def _frame(hkagg_type: int, run: RecordingRun) -> Any:
    core = _core()
    frame = core.G3Frame(core.G3FrameType.Housekeeping)
    frame["hkagg_type"] = hkagg_type
    frame["hkagg_version"] = HKAGG_VERSION
    frame["session_id"] = run.session_id
    return frame


def _bytes(frame: Any) -> bytes:
    # The state of a pickled frame is what G3Writer writes; a test compares them.
    _attributes, serialised = frame.__getstate__()
    return bytes(serialised)


@cache
def _core() -> Any:
    core = spt3g_core()
    # Only a process that makes frames needs these, so they are not done at every import of spt3g.
    keep_freed_memory()
    collect_seldom()
    return core
