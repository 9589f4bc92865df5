"""Data of agent authors, made readable for every client.

Session data have to be valid JSON, whichever serialiser carries them: crossbar
turns a CBOR NaN into a bare ``NaN``, and a JSON client drops the whole message.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

from ocsd.text.frames import place_of

Complaint = Callable[[str], None]

# A message carries at most 16 MiB (`endpoint.LONGEST_WAMP_MESSAGE_BYTES`).
LONGEST_DATA_BYTES = 4 * 2**20
ITEM_BYTES = 16
"""Size of a number, between CBOR's 9 bytes and JSON's 20 or so."""
DEEPEST_DATA = 100
"""Levels of containers, at most: serialisers recurse, and Python's recursion has an end."""
SNAPSHOT_TRIES = 100
SHOWN_CHARACTERS = 200
"""Length to which a value is cut in a message."""


def shown(value: object) -> str:
    """Return the type and the beginning of the text of any value, without fail."""
    kind = type(value).__name__
    try:
        text = repr(value)
    except Exception:  # noqa: BLE001 - an author's __repr__ may do anything
        return f"{kind} (whose repr fails)"
    if len(text) > SHOWN_CHARACTERS:
        text = text[:SHOWN_CHARACTERS] + "…"
    return f"{kind} {text}"


def sendable(text: str) -> str:
    """Return a text without lone surrogates, because serialisers cannot encode them.

    `os.fsdecode` makes them of file names that are not UTF-8.
    """
    return text.encode("utf-8", "replace").decode()


def raised(error: BaseException | None) -> str:
    """Return the name and the text of an exception, without fail.

    A name like ``error``, which several modules of Python have, comes with its module.
    """
    kind = type(error)
    name = kind.__name__
    if name.islower():
        name = f"{kind.__module__}.{name}"
    try:
        return f"{name}: {error}"
    except Exception:  # noqa: BLE001 - an author's __str__ may do anything
        return name


def raised_at(failure: Any, otherwise: str = "") -> str:
    """Return the name and text of a failure's exception, and the author's line of it.

    If no line of the author was reached, it is `otherwise`, a place.
    """
    place = place_of(failure.getTracebackObject()) or otherwise
    return raised(failure.value) + enclosed(place)


def enclosed(place: str) -> str:
    """Return a place in brackets, behind a blank; nothing if there is none."""
    if not place:
        return ""
    return f" ({place})"


def json_safe(
    value: Any,
    complain: Complaint | None = None,
    limit_bytes: int = LONGEST_DATA_BYTES,
    name: str = "session.data",
) -> Any:
    """Return a copy of `value` made of JSON's types only.

    NaN becomes None, numpy arrays and scalars become lists and numbers, tuples
    and sets become lists, keys become str. Each container is copied in one step,
    because an operation may change it from its thread meanwhile.

    Parameters
    ----------
    value
        The author's value.
    complain : callable, optional
        Called with a description of each value that JSON cannot hold. Infinities,
        cycles and whatever is too large are replaced by None, anything else by
        its text.
    limit_bytes : int
        Size of the copy, at most and roughly [bytes].
    name : str
        Name of the value, for complaints and errors.

    Raises
    ------
    ValueError
        If `value` holds an infinity, itself or too much, and there is no
        `complain`.
    TypeError
        If `value` holds anything else that JSON cannot hold and there is no `complain`.
    """
    return _Copy(complain, limit_bytes, name).of(value)


class _Copy:
    """One copy in the making."""

    def __init__(self, complain: Complaint | None, limit_bytes: int, name: str) -> None:
        self._complain = complain
        self._name = name
        self._limit_bytes = limit_bytes
        self._left_bytes = limit_bytes
        self._inside: set[int] = set()
        self._path: list[Any] = []

    def of(self, value: Any) -> Any:
        """Return the copy of a value."""
        if isinstance(value, str):
            return self._str(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, float):
            return self._number(value)
        if isinstance(value, int):
            return int(value)
        if isinstance(value, (Mapping, list, tuple, set, frozenset)):
            return self._container(value)
        if hasattr(value, "dtype") and hasattr(value, "tolist"):
            return self._array(value)
        self._refuse(TypeError, f"{shown(value)}, which JSON has no type for")
        return _text(value)

    def _str(self, value: str) -> str | None:
        if not self._affordable(
            len(value) if value.isascii() else len(value.encode("utf-8", "replace"))
        ):
            return None
        text = sendable(value)
        if text != value:
            self._refuse(ValueError, f"{shown(value)}, which is not valid Unicode")
        return text

    def _container(self, value: Any) -> Any:
        if id(value) in self._inside or len(self._inside) >= DEEPEST_DATA:
            too_deep = f"more than {DEEPEST_DATA} levels"
            self._refuse(ValueError, "itself" if id(value) in self._inside else too_deep)
            return None
        items = _snapshot(value)
        if not self._affordable(ITEM_BYTES * len(items)):
            return None
        self._inside.add(id(value))
        self._path.append("")
        try:
            if isinstance(value, Mapping):
                return self._mapping(items)
            return self._list(items)
        finally:
            self._path.pop()
            self._inside.discard(id(value))

    def _mapping(self, items: list[tuple[Any, Any]]) -> dict[str, Any]:
        copy = {}
        for key, item in items:
            self._path[-1] = key
            copy[_text(key)] = self.of(item)
        return copy

    def _list(self, items: list[Any]) -> list[Any]:
        copy = []
        for index, item in enumerate(items):
            self._path[-1] = index
            copy.append(self.of(item))
        return copy

    def _array(self, value: Any) -> Any:
        if not self._affordable(ITEM_BYTES * getattr(value, "size", 1)):
            return None
        plain = value.tolist()
        if hasattr(plain, "dtype"):  # A numpy.longdouble is its own list.
            plain = float(plain)
        return self.of(plain)

    def _number(self, value: float) -> float | None:
        if math.isfinite(value):
            return float(value)
        if not math.isnan(value):
            self._refuse(ValueError, f"{float(value)}; store NaN or None instead")
        return None

    def _affordable(self, size_bytes: int) -> bool:
        if size_bytes > self._left_bytes:
            self._refuse(ValueError, f"more than {_size(self._limit_bytes)}")
            return False
        self._left_bytes -= size_bytes
        return True

    def _refuse(self, error: type[Exception], what: str) -> None:
        place = "".join(f"[{key!r:.50}]" for key in self._path[:10])
        text = f"{self._name}{place} holds {what}"
        if self._complain is None:
            raise error(text)
        self._complain(text)


def _size(size_bytes: int) -> str:
    if size_bytes < 2**20:
        return f"{size_bytes / 2**10:.3g} KiB"
    return f"{size_bytes / 2**20:.3g} MiB"


def _snapshot(value: Any) -> list[Any]:
    """Return the items of a container that another thread may be changing."""
    if not isinstance(value, Mapping):
        return list(value)
    for _ in range(SNAPSHOT_TRIES):
        try:
            return list(value.items())
        except RuntimeError:  # Only a dict's own items() is one step.
            continue
    return []


def _text(value: object) -> str:
    if type(value) is str:
        return sendable(value)
    try:
        return sendable(str(value)[:SHOWN_CHARACTERS])
    except Exception:  # noqa: BLE001 - an author's __str__ may do anything
        return shown(value)
