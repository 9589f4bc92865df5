"""The rules of messages, checked before a message leaves the thread that took the data.

A recorded message becomes columns of a file, so its names and values obey rules
(docs/reference/wire.md, "Feeds"). A message that breaks one is refused with an error that
names the feed and the field.
"""

import re
from collections.abc import Iterable, Mapping
from math import isfinite
from typing import Any

import cbor2

from ocsd.agent.feeds.field_name import LONGEST_FIELD_NAME, is_field_name
from ocsd.bus.encoding import sendable, shown

VALUE_TYPES = frozenset({float, int, str, bool})


def checked_sample(feed_name: str, message: Any) -> dict[str, Any]:
    """Return a recorded message in its many-samples form, copied and checked.

    Parameters
    ----------
    message : dict
        One sample ``{block_name, timestamp, data: {field: value}}`` or many
        ``{block_name, timestamps: [...], data: {field: [...]}}``, optionally
        with ``influxdb_tags``. Columns may be numpy arrays.

    Returns
    -------
    dict
        ``{block_name, timestamps: list, data: {field: list}}`` and the tags.

    Raises
    ------
    ValueError
        If a key is missing, a field has a bad name or columns differ in length.
    TypeError
        If a value is none of float, int, str, bool.
    """
    where = f"feed {feed_name!r}"
    stamps, columns = _many_samples(where, message)
    timestamps = checked_column(f"{where}: timestamps", stamps)
    if not all(isinstance(stamp, (int, float)) and isfinite(stamp) for stamp in timestamps):
        raise ValueError(f"{where}: timestamps have to be finite Unix times, not {shown(stamps)}")
    data = {}
    for field, values in columns.items():
        check_field_name(field, where)
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


def _many_samples(where: str, message: Any) -> tuple[Any, Mapping[str, Any]]:
    """Return timestamps and columns of a message in either form; refuse any other."""
    if not isinstance(message, Mapping):
        raise TypeError(f"{where}: a recorded message is a dict, not {shown(message)}")
    stamp_key = "timestamp" if "timestamp" in message else "timestamps"
    for key in ("block_name", "data", stamp_key):
        if key not in message:
            keys = sorted(map(str, message))
            raise ValueError(f"{where}: the message has no {key!r}; it has {keys}")
    name, stamps, columns = message["block_name"], message[stamp_key], message["data"]
    if not isinstance(name, str):
        raise TypeError(f"{where}: block_name is text, not {shown(name)}")
    check_text(name, f"{where}: block_name")
    if not isinstance(columns, Mapping):
        raise TypeError(f"{where}: data is a dict of fields, not {shown(columns)}")
    if stamp_key == "timestamp":
        return [stamps], {field: [value] for field, value in columns.items()}
    return stamps, columns


def checked_column(where: str, values: Iterable[Any]) -> list[Any]:
    """Return `values` as a list of Python's own float, int, str and bool.

    Raises
    ------
    TypeError
        If it holds another type of value, or text among numbers.
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
    return list(values)


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
        If it contains itself.
    """
    try:
        return _copied(feed_name, message)
    except RecursionError:
        raise ValueError(
            f"feed {feed_name!r}: the message contains itself or is nested too deeply"
        ) from None


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
