"""Turning what agent authors store into what every client can read.

Session data have to be valid JSON, whichever serialiser carries them: crossbar
turns a CBOR NaN into a bare ``NaN``, and a JSON client drops the whole message.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

Complaint = Callable[[str], None]


def json_safe(value: Any, complain: Complaint | None = None) -> Any:
    """Return a copy of `value` made of JSON's types only.

    NaN becomes None, numpy arrays and scalars become lists and numbers, tuples
    and sets become lists, keys become str. Containers are copied in one step
    each, because an operation may change them from its thread meanwhile.

    Parameters
    ----------
    value
        What an author stored.
    complain : callable, optional
        Called with a description of each value that JSON cannot hold, which is
        then replaced (infinity by None, anything else by its text).

    Raises
    ------
    ValueError
        If `value` holds an infinity and there is no `complain`.
    TypeError
        If `value` holds something else that JSON cannot hold and there is no
        `complain`.
    """
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, float):
        return _number(value, complain)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Mapping):
        return {_key(key): json_safe(item, complain) for key, item in list(value.items())}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [json_safe(item, complain) for item in list(value)]
    if hasattr(value, "dtype"):
        return json_safe(value.tolist(), complain)
    if complain is None:
        raise TypeError(f"{type(value).__name__} {value!r} cannot be stored as JSON")
    complain(f"{type(value).__name__} {value!r}")
    return str(value)


def _number(value: float, complain: Complaint | None) -> float | None:
    if math.isfinite(value):
        return float(value)
    if math.isnan(value):
        return None
    if complain is None:
        raise ValueError(f"{value} cannot be stored as JSON; use NaN or None instead")
    complain(str(value))
    return None


def _key(key: Any) -> str:
    return key if type(key) is str else str(key)
