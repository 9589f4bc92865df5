"""Parameters of a request as the audit journal tells them: bounded, and without secrets."""

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from ocsd.text.logins import without_logins

SECRET_LEFT_OUT: Final = "(left out)"
"""Stands for a secret."""

MOST_PARAMETERS_TOLD: Final = 40
LONGEST_VALUE_TOLD: Final = 200
"""Length of the value of a parameter, at most [characters]."""
LONGEST_TOLD: Final = 4000
"""Length of all parameters as JSON, at most [characters]."""
MOST_ITEMS_TOLD: Final = 10
"""Number of items of a list, at most."""
LARGEST_NUMBER: Final = 2**63
_DEEPEST: Final = 4

_WORDS: Final = frozenset(
    {
        *("key", "keys", "pass", "passwd", "password", "passphrase", "pwd", "pin", "privs", "psk"),
        *("secret", "ticket", "token", "cookie", "credential", "credentials"),
        *("auth", "authorization", "bearer"),
    }
)
_STEMS: Final = ("password", "passwd", "passphrase", "secret", "token", "credential", "apikey")
_PIECE: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def is_secret_name(name: str) -> bool:
    """Return whether a parameter of this name is taken for a secret.

    Examples
    --------
    >>> is_secret_name("api_key"), is_secret_name("userPassword"), is_secret_name("keyboard")
    (True, True, False)
    """
    lower = name.lower()
    if any(stem in lower for stem in _STEMS):
        return True
    return any(piece.lower() in _WORDS for piece in _PIECE.findall(name))


def told(params: Any, declared: Collection[str] = ()) -> dict[str, Any]:
    """Return the parameters of a request for the audit journal.

    Those whose names say that they are secrets are left out, and those that are `declared` to
    be; long values are cut.
    """
    if not params:
        return {}
    if not isinstance(params, Mapping):
        params = {"_": params}
    found = _pairs(params, declared, 0)
    text = json.dumps(found)
    if len(text) > LONGEST_TOLD:
        return {"…": f"{text[:LONGEST_TOLD]}…"}
    return found


def _pairs(params: Mapping[Any, Any], declared: Collection[str], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in params.items():
        if len(found) == MOST_PARAMETERS_TOLD:
            found["…"] = f"{len(params) - MOST_PARAMETERS_TOLD} more"
            break
        name = str(key)[:LONGEST_VALUE_TOLD]
        if name in declared or is_secret_name(name):
            found[name] = SECRET_LEFT_OUT
        else:
            found[name] = _plain(value, declared, depth + 1)
    return found


def _plain(value: Any, declared: Collection[str], depth: int) -> Any:
    """Return a value that JSON holds, cut where it is long or deep."""
    match value:
        case None | bool():
            return value
        case int() if abs(value) <= LARGEST_NUMBER:
            return value
        case float() if math.isfinite(value):
            return value
        case Mapping() if depth < _DEEPEST:
            return _pairs(value, declared, depth)
        case list() | tuple() if depth < _DEEPEST:
            return _items(value, declared, depth)
        case _:
            return _cut(without_logins(_text(value)))


def _items(values: Sequence[Any], declared: Collection[str], depth: int) -> list[Any]:
    found = [_plain(each, declared, depth + 1) for each in values[:MOST_ITEMS_TOLD]]
    if len(values) > MOST_ITEMS_TOLD:
        found.append(f"… {len(values)} values")
    return found


def _text(value: Any) -> str:
    match value:
        case str():
            return value
        case float():
            return str(value)
        case bytes() | bytearray():
            return f"{len(value)} bytes"
        case int() if abs(value) > LARGEST_NUMBER:
            return f"a number of {value.bit_length()} bits"
    return type(value).__name__


def _cut(text: str) -> str:
    if len(text) <= LONGEST_VALUE_TOLD:
        return text
    return text[: LONGEST_VALUE_TOLD - 1] + "…"
