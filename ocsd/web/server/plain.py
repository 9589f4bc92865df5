"""Values as JSON that every parser reads: NaN and infinities are null."""

import json
import math
from typing import Any


def dumps(value: Any) -> bytes:
    """Return a value as JSON."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except ValueError:
        return json.dumps(plain(value), separators=(",", ":")).encode()


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
