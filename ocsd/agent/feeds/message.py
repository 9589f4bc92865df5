"""The rules of messages, checked before a message leaves the thread that took the data.

A recorded message becomes columns of a file, so its names and values obey rules
(docs/reference/wire.md, "Feeds"). A message that breaks one is refused with an error that
names the feed and the field.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import cbor2

from ocsd.agent.feeds.names import LONGEST_FIELD_NAME, is_field_name, name_fault
from ocsd.agent.feeds.size import check_size
from ocsd.agent.feeds.times import first_bad_time, time_fault
from ocsd.bus.encoding import sendable, shown

VALUE_TYPES = frozenset({float, int, str, bool})
_FLOATS: Final = {float}
_INT64: Final = range(-(2**63), 2**63)


class _Samples(NamedTuple):
    """A recorded message of either form: the key of its times, times and columns."""

    stamp_key: str
    times: Any
    columns: Mapping[Any, Any]


def checked_sample(feed_name: str, message: Any, now_at: float) -> dict[str, Any]:
    """Return a recorded message in its many-samples form, copied and checked.

    Parameters
    ----------
    feed_name : str
        The feed, for errors.
    message : dict
        One sample ``{block_name, timestamp, data: {field: value}}`` or many
        ``{block_name, timestamps: [...], data: {field: [...]}}``, optionally
        with ``influxdb_tags``. Columns may be numpy arrays.
    now_at : float
        The present Unix time [s].

    Returns
    -------
    dict
        ``{block_name, timestamps: list, data: {field: list}}`` and the tags.

    Raises
    ------
    ValueError
        If a key is missing, a name is bad, a time is no Unix time near the present one,
        there is no field, or columns differ in length.
    TypeError
        If a value is none of float, int, str, bool.
    """
    where = f"feed {feed_name!r}"
    samples = _samples_of(where, message)
    timestamps = _checked_times(where, samples, now_at)
    if not samples.columns:
        raise ValueError(f"{where}: data is empty; a sample has at least one field")
    data = {}
    for field, values in samples.columns.items():
        check_field_name(field, where)
        if type(values) is list and set(map(type, values)) == _FLOATS:
            column = values[:]
        else:
            column = checked_column(f"{where}: field {field!r}", values)
        if len(column) != len(timestamps):
            counts = f"{len(column)} values for {len(timestamps)} timestamps"
            raise ValueError(f"{where}: field {field!r} has {counts}")
        data[field] = column
    sample = {"block_name": message["block_name"], "timestamps": timestamps, "data": data}
    tags = message.get("influxdb_tags")
    if tags is not None:
        check_tags(tags, data, where)
        sample["influxdb_tags"] = checked_free(feed_name, tags)
    return sample


def _samples_of(where: str, message: Any) -> _Samples:
    """Return times and columns of a message in either form; refuse any other."""
    if not isinstance(message, Mapping):
        raise TypeError(f"{where}: a recorded message is a dict, not {shown(message)}")
    _check_keys(where, message)
    name, columns = message["block_name"], message["data"]
    if not isinstance(name, str):
        raise TypeError(f"{where}: block_name is text, not {shown(name)}")
    fault = name_fault(name)
    if fault:
        raise ValueError(f"{where}: block_name {shown(name)} {fault}")
    if not isinstance(columns, Mapping):
        raise TypeError(f"{where}: data is a dict of fields, not {shown(columns)}")
    if "timestamp" in message:
        one = {field: [value] for field, value in columns.items()}
        return _Samples("timestamp", [message["timestamp"]], one)
    return _Samples("timestamps", message["timestamps"], columns)


def _check_keys(where: str, message: Mapping[Any, Any]) -> None:
    keys = sorted(map(str, message))
    for key in ("block_name", "data"):
        if key not in message:
            raise ValueError(f"{where}: the message has no {key!r}; it has {keys}")
    if not {"timestamp", "timestamps"} & message.keys():
        raise ValueError(
            f"{where}: the message has neither 'timestamp', for one sample, nor 'timestamps', for "
            f"many; it has {keys}"
        )


def _checked_times(where: str, samples: _Samples, now_at: float) -> list[Any]:
    """Return the times as a list of numbers that the aggregator accepts now."""
    key, times = samples.stamp_key, samples.times
    if (
        key == "timestamps"
        and not isinstance(times, (list, tuple))
        and not hasattr(times, "tolist")
    ):
        raise TypeError(f"{where}: timestamps is a list of Unix times, not {shown(times)}")
    try:
        stamps = checked_column(f"{where}: {key}", times)
    except (TypeError, ValueError):
        stamps = list(times)
    index = first_bad_time(stamps, now_at)
    if index is None:
        return stamps
    bad = stamps[index]
    error = ValueError if isinstance(bad, (int, float, str)) else TypeError
    raise error(f"{where}: {key} {shown(bad)} {time_fault(bad, now_at)}")


def checked_column(where: str, values: Iterable[Any]) -> list[Any]:
    """Return `values` as a list of Python's own float, int, str and bool.

    Raises
    ------
    TypeError
        If it holds another type of value, or text among numbers.
    ValueError
        If it holds a number or a text that files cannot hold.
    """
    if hasattr(values, "tolist"):
        values = values.tolist()
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"{where} is a list, not {shown(values)}")
    kinds = set(map(type, values))
    if not kinds <= VALUE_TYPES:
        values = [_plain(where, value) for value in values]
        kinds = set(map(type, values))
    if str in kinds:
        if len(kinds) > 1:
            raise TypeError(f"{where} mixes text with other values")
        for value in values:
            check_text(value, where)
    if int in kinds and not _all_fit(values, kinds):
        values = [_fitting(where, value) for value in values]
    return list(values)


def _all_fit(values: Sequence[Any], kinds: set[type]) -> bool:
    """Return whether the ints among numbers have at most 64 bits."""
    if float in kinds:
        return all(type(value) is not int or value in _INT64 for value in values)
    return min(values) in _INT64 and max(values) in _INT64


def _fitting(where: str, value: Any) -> Any:
    """Return an int beyond 64 bits as a float, which is what files can hold."""
    if type(value) is not int or value in _INT64:
        return value
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{where} holds an integer too large for a float") from None


def check_text(text: str, where: str) -> None:
    """Refuse text that cannot be sent.

    Raises
    ------
    ValueError
        If it holds a lone surrogate, as `os.fsdecode` makes of names that are not UTF-8.
    """
    if sendable(text) != text:
        raise ValueError(f"{where} holds {shown(text)}, which is not valid Unicode")


def check_field_name(field: Any, where: str = "message 'data' block") -> None:
    """Refuse a name that the aggregator's files and databases cannot hold.

    Raises
    ------
    ValueError
        If `field` is not made of letters, digits and underscores, or its first
        character other than an underscore is not a letter, or it is empty or
        longer than 255 characters.
    """
    if not is_field_name(field):
        raise ValueError(
            f"{where}: field name {field!r} is not valid: letters, digits and underscores only, "
            "the first that is not an underscore a letter"
        )
    if len(field) > LONGEST_FIELD_NAME:
        raise ValueError(
            f"{where}: field name {field!r} has {len(field)} characters, "
            f"at most {LONGEST_FIELD_NAME} are allowed"
        )


def check_tags(
    tags: Mapping[str, Mapping[str, Any]], fields: Iterable[str], where: str = "message"
) -> None:
    """Refuse database tags that do not fit the message's fields.

    Raises
    ------
    ValueError
        If a set of tags has no ``_field``, or fields and tags do not correspond.
    TypeError
        If `tags` is not a dict.
    """
    if not isinstance(tags, Mapping):
        raise TypeError(f"{where}: influxdb_tags is a dict of tags, not {shown(tags)}")
    for field, values in tags.items():
        if "_field" not in values:
            raise ValueError(f"{where}: influxdb_tags of {field!r} have no '_field'")
    odd = set(tags) ^ set(fields)
    if odd:
        raise ValueError(f"{where}: influxdb_tags and data do not both have {sorted(odd)}")


def valid_field_name(name: str) -> str:
    """Return a valid field name as near to `name` as possible.

    Two different names can become the same one.
    """
    kept = re.sub("[^a-zA-Z0-9_]", "", name.replace(" ", "_"))
    bare = kept.lstrip("_")
    underscores = kept[: len(kept) - len(bare)]
    valid = underscores + re.sub("^[^a-zA-Z]+", "", bare)
    return valid[:LONGEST_FIELD_NAME] if valid.strip("_") else "invalid_field"


def checked_free(feed_name: str, message: Any) -> Any:
    """Return a copy of a message of a feed that is not recorded.

    Containers are copied, because the author may go on changing them; numpy arrays and
    scalars become lists and numbers.

    Raises
    ------
    TypeError
        If something in it cannot be serialised.
    ValueError
        If it contains itself, or is too large to be sent.
    """
    try:
        copy = _copied(feed_name, message)
    except RecursionError:
        raise ValueError(
            f"feed {feed_name!r}: the message contains itself or is nested too deeply"
        ) from None
    check_size(f"feed {feed_name!r}: the message", copy)
    return copy


def _copied(feed_name: str, message: Any) -> Any:
    if message is None or isinstance(message, (bytes, bool, int, float)):
        return message
    if isinstance(message, str):
        check_text(message, f"feed {feed_name!r}")
        return message
    if isinstance(message, Mapping):
        return {
            _copied(feed_name, _key(feed_name, key)): _copied(feed_name, item)
            for key, item in message.items()
        }
    if isinstance(message, (list, tuple)):
        return [_copied(feed_name, item) for item in message]
    if hasattr(message, "dtype"):
        return message.tolist()
    try:
        cbor2.dumps(message)
    except (cbor2.CBOREncodeError, ValueError, TypeError) as error:
        raise TypeError(f"feed {feed_name!r}: {shown(message)} cannot be serialised") from error
    return message


def _key(feed_name: str, key: Any) -> Any:
    """Return a key that JSON can hold, which some clients use."""
    if isinstance(key, (str, int, float, bool)) or key is None:
        return key
    raise TypeError(f"feed {feed_name!r}: {shown(key)} cannot be a key")


def _plain(where: str, value: Any) -> Any:
    """Return numpy's scalars and subclasses of the value types as plain values."""
    if hasattr(value, "dtype") and not getattr(value, "shape", None):
        value = value.item()
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    raise TypeError(f"{where} holds {shown(value)}; only float, int, str and bool can be recorded")
