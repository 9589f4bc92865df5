"""Reading and checking messages from the router (docs/reference/wire.md, "Feeds").

Everything that a sender controls is checked here or in ``columns``; behind them data are
known to fit into a frame.
"""

import math
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeGuard

import numpy as np

from ocsd.agent.feeds.names import LONGEST_FIELD_NAME, LONGEST_NAME, is_field_name, name_fault
from ocsd.agent.feeds.times import LATEST_TIME, allowed_times, first_bad_time, time_fault
from ocsd.agent.feeds.units import LABELS, UNITS, received
from ocsd.aggregator.incoming.columns import LONG_LIST, NOT_ALL_NUMBERS, packer
from ocsd.journal.layout import Tags
from ocsd.journal.origin import DEFAULT_FRAME_LENGTH_S, DEFAULT_FRESH_TIME_S, Origin

# The journal counts in 64 bits.
MOST_NUMBER: Final = 2**63 - 1

# Characters of a value of the sender's choice that a text for people shows.
_SHOWN: Final = 80


class RefusedError(Exception):
    """A message, or one block of it, cannot be recorded; the text says why.

    Internal to the aggregator: it ends as a line in the log and a count.
    """


class CheckedBlock(NamedTuple):
    """One block of a message: lengths agree, times are good, values are unchecked."""

    block_name: str
    """Name of the block."""
    length: int
    """Number of samples."""
    times: bytes
    """Unix times [s], float64."""
    columns: dict[str, list[Any]]
    """One list of `length` values for each field."""
    tags: Tags | None = None
    """Its `influxdb_tags`, by field."""

    @property
    def last_time(self) -> float:
        """Unix time of the last sample [s]."""
        return float(packer("d").unpack_from(self.times, len(self.times) - 8)[0])


def shown(value: object) -> str:
    """Return a value of the sender's choice, short and fit for any log; never raises."""
    try:
        if isinstance(value, str | bytes):
            value = value[:_SHOWN]
        text = repr(value)
    except Exception as error:  # noqa: BLE001 # e.g. an integer of 5,000 digits
        return f"a {type(value).__name__} that cannot be shown ({type(error).__name__})"
    if len(text) > _SHOWN:
        text = text[:_SHOWN] + "…"
    return text.encode(errors="backslashreplace").decode()


def read_origin(feed_info: Mapping[str, Any]) -> Origin:
    """Return the sender of a message.

    Raises
    ------
    RefusedError
        If feed_info does not say which feed and session it belongs to.
    """
    stated = feed_info.get("agg_params")
    parameters = stated if isinstance(stated, Mapping) else {}
    return Origin(
        address=_text(feed_info, "address"),
        session_id=_text(feed_info, "session_id"),
        sender=sender_of(feed_info),
        numbered=feed_info.get("seq") is not None,
        frame_length_s=_duration(parameters.get("frame_length"), DEFAULT_FRAME_LENGTH_S),
        fresh_time_s=_duration(parameters.get("fresh_time"), DEFAULT_FRESH_TIME_S),
        wanted=not parameters.get("exclude_aggregator", False),
        units=received(feed_info, UNITS),
        labels=received(feed_info, LABELS),
        agent_class=_class_of(feed_info),
        exclude_influx=bool(parameters.get("exclude_influx", False)),
    )


def read_number(feed_info: Mapping[str, Any]) -> int | None:
    """Return the number of a message within feed and session; None if it has none.

    Raises
    ------
    RefusedError
        If it has something else for a number.
    """
    number = feed_info.get("seq")
    if number is None or (type(number) is int and 0 <= number < MOST_NUMBER):
        return number
    raise RefusedError(f"its number (seq) is {shown(number)}, not a count from 0")


def sender_of(feed_info: object) -> str:
    """Return the best available name of the sender; never raises."""
    if isinstance(feed_info, Mapping):
        for key in ("agent_address", "address"):
            name = feed_info.get(key)
            if isinstance(name, str) and name:
                return name[:LONGEST_NAME].encode(errors="backslashreplace").decode()
    return "unknown"


def read_blocks(message: object, now_at: float) -> Iterator[CheckedBlock | RefusedError]:
    """Yield the blocks of a message, and in place of a bad one the error.

    Blocks without samples are left out. `now_at` is the present Unix time [s]: the times of
    samples have to be near it (`ocsd.agent.feeds.times`).
    """
    if not isinstance(message, dict | Mapping):
        yield RefusedError(f"the message is a {type(message).__name__}, not a map of blocks")
        return
    for name, block in message.items():
        try:
            samples = _read_block(name, block, now_at)
        except RefusedError as refused:
            yield refused
        else:
            if samples.length:
                yield samples


def check_field_names(block_name: str, names: list[str]) -> None:
    """Check the field names of a block that has not been seen before.

    Raises
    ------
    RefusedError
        If one of them breaks the rules of OCS.
    """
    if not names:
        raise RefusedError(f"block {block_name!r} has no fields")
    for name in names:
        if not is_field_name(name):
            raise RefusedError(
                f"block {block_name!r}: field name {shown(name)} is not made of letters, digits "
                "and underscores with a letter first"
            )
        if len(name) > LONGEST_FIELD_NAME:
            raise RefusedError(
                f"block {block_name!r}: field name {name[:40]!r}… has {len(name)} characters, "
                f"more than {LONGEST_FIELD_NAME}"
            )


def _checked_block_name(name: object) -> str:
    fault = name_fault(name)
    if fault:
        raise RefusedError(f"block name {shown(name)} {fault}")
    return str(name)


def _read_block(key: object, block: object, now_at: float) -> CheckedBlock:
    name = _checked_block_name(key)
    if not isinstance(block, dict | Mapping):
        raise RefusedError(f"block {name!r} is a {type(block).__name__}, not a map")
    data = block.get("data")
    timestamps = block.get("timestamps")
    if not isinstance(data, dict) or not isinstance(timestamps, list):
        raise RefusedError(f"block {name!r} lacks a map 'data' or a list 'timestamps'")
    length = len(timestamps)
    columns = data.values()
    if not set(map(type, columns)) <= {list} or not set(map(len, columns)) <= {length}:
        raise RefusedError(_misshapen(name, data, length))
    times = _packed_times(name, timestamps, now_at) if length else b""
    tags = _tags(block.get("influxdb_tags"), data)
    return CheckedBlock(block_name=name, length=length, times=times, columns=data, tags=tags)


def _misshapen(block_name: str, data: dict[Any, Any], length: int) -> str:
    bad = next(
        key for key, values in data.items() if type(values) is not list or len(values) != length
    )
    field = f"block {block_name!r}: field {shown(bad)}"
    return f"{field} is not a list of {length} values, one for each timestamp"


def _packed_times(block_name: str, timestamps: list[Any], now_at: float) -> bytes:
    try:
        packed = packer(f"{len(timestamps)}d").pack(*timestamps)
        good = set(map(type, timestamps)) <= {int, float} and all_near(timestamps, now_at, packed)
    except (ValueError, *NOT_ALL_NUMBERS):
        good = False
    if not good:
        at = timestamps[first_bad_time(timestamps, now_at) or 0]
        raise RefusedError(f"block {block_name!r}: timestamp {shown(at)} {time_fault(at, now_at)}")
    return packed


def all_near(timestamps: list[Any], now_at: float, packed: bytes | None = None) -> bool:
    """Return whether all Unix times, at least one, are allowed at the time `now_at` [s].

    `packed` are the same as float64, if somebody has packed them already.
    """
    earliest, latest = allowed_times(now_at)
    if packed is not None and len(timestamps) >= LONG_LIST:
        times = np.frombuffer(packed)
        # Both are NaN if any time is, and then no comparison holds.
        return bool(earliest <= times.min() and times.max() <= latest)
    # A sum is finite only if every term is; min and max alone miss a NaN.
    return math.isfinite(math.fsum(timestamps)) and (
        earliest <= min(timestamps) and max(timestamps) <= latest
    )


def _text(feed_info: Mapping[str, Any], key: str) -> str:
    value = feed_info.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = (abs(value) < LATEST_TIME and repr(value)) or None
    if not is_name(value):
        raise RefusedError(f"its feed_info has no usable {key!r}: {shown(value)}")
    return value


def is_name(value: object) -> TypeGuard[str]:
    """Return whether a value can name a feed, a session or a sender."""
    return not name_fault(value)


def _class_of(feed_info: Mapping[str, Any]) -> str:
    name = feed_info.get("agent_class")
    return name if is_name(name) else ""


def _tags(tags: object, data: Mapping[str, Any]) -> Tags | None:
    """Return the `influxdb_tags` of a block; None without any, or if they break a rule of OCS."""
    if not isinstance(tags, dict) or tags.keys() != data.keys():
        return None
    for of_field in tags.values():
        if not isinstance(of_field, dict) or not isinstance(of_field.get("_field"), str):
            return None
        if not all(type(key) is str for key in of_field):
            return None
        if not set(map(type, of_field.values())) <= {str, int, float, bool}:
            return None
        # NaN differs from itself: each message would begin a provider.
        if any(value != value for value in of_field.values()):
            return None
    return tags


def _duration(value: object, default_s: float) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return default_s
    # An integer may be too large for any float.
    return float(value) if 0 < value <= sys.float_info.max else default_s
