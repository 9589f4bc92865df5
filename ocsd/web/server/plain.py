"""Values as JSON that every parser reads: NaN and infinities are null."""

import json
import math
from typing import Any

import orjson


def dumps(value: Any) -> bytes:
    """Return a value as JSON."""
    try:
        return orjson.dumps(value)
    except TypeError:  # e.g. an integer of more than 64 bits, or half of a character
        return json.dumps(plain(value), separators=(",", ":")).encode()


def dumps_in_parts(value: Any, depth: int = 3) -> bytes:
    """Return a value as JSON, made part by part.

    Nothing else runs in this process while a single part is made, so a large answer that is made
    at once would hold up every stream. Objects down to `depth` have a part for each key.
    """
    if depth == 0 or not isinstance(value, dict):
        return dumps(value)
    parts = (dumps(key) + b":" + dumps_in_parts(each, depth - 1) for key, each in value.items())
    return b"{%s}" % b",".join(parts)


def plain(value: Any) -> Any:
    """Return a value whose numbers that are not finite are None."""
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
        case _:
            return value
