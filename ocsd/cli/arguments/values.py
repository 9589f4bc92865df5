"""The values of `ocsd call`: what KEY=VALUE means, by the type that the agent declares."""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final

_LOGICAL: Final = {"true": True, "false": False}
NOUNS: Final = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "list": "a list, e.g. [1, 2]",
    "dict": 'a mapping, e.g. {"a": 1}',
}
"""The types of Python that parameters have, in words."""


def read(text: str, kind: str | None) -> Any:
    """Return the value of a parameter whose declared type is `kind`, None if it has none.

    A text is passed as it is written, a number as number, even where JSON has another form for
    it (``007``, ``.5``). Without a declared type, a value that is JSON is read as JSON.
    """
    value = _json(text)
    match kind:
        case "str" if not isinstance(value, str):
            return text
        case "bool":
            return _LOGICAL.get(text.lower(), value)
        case "int":
            return _number(text, value, int)
        case "float":
            return _number(text, value, _finite)
        case _:
            return value


def misfit(key: str, value: Any, kind: str | None) -> str:
    """Return why a value cannot be of its declared type; empty if it may be."""
    if not isinstance(value, str) or kind not in NOUNS or kind == "str":
        return ""
    return f"'{key}' has to be {NOUNS[kind]}, not the text '{value}'"


def types(op_info: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the declared type of each parameter of an operation, as an agent describes it."""
    return {str(each.get("key")): each.get("type") for each in op_info.get("params") or ()}


def _json(text: str) -> Any:
    try:
        # Python's reader would accept NaN and 1e999, which cannot be sent to an agent.
        return json.loads(text, parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError):
        return text


def _number(text: str, value: Any, convert: Callable[[str], float]) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return convert(value)
    except ValueError:
        return text


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number
