"""The difference between two versions of an instance's entry, in lines for people."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ocsd.text.units import memory

Pairs = Mapping[str, Sequence[Any]]
"""The old and the new value of each key that differs."""

NOTHING = "(none)"
_MEMORY_KEY = "memory"
"""The key whose value is a number of bytes, however it is written in the site file."""


def lines(pairs: Pairs) -> Iterator[str]:
    """Yield ``key: old -> new`` for each key; of arguments only those options that differ."""
    for key, (old, new) in sorted(pairs.items()):
        if key == "arguments":
            old, new = _only_different(_by_option(old or ()), _by_option(new or ()))
        yield f"{key}: {_shown(key, old)} -> {_shown(key, new)}"


def _by_option(words: Sequence[str]) -> list[str]:
    """Return arguments as texts of an option with its values each."""
    groups: list[str] = []
    for word in words:
        if groups and not re.match(r"--?[^\W\d]", word):
            groups[-1] += f" {word}"
        else:
            groups.append(word)
    return groups


def _only_different(old: list[str], new: list[str]) -> tuple[list[str], list[str]]:
    gone, come = list(old), list(new)
    for group in old:
        if group in come:
            come.remove(group)
            gone.remove(group)
    if not gone and not come:  # only their order differs
        return old, new
    return gone, come


def _shown(key: str, value: Any) -> str:
    match value:
        case int() if key == _MEMORY_KEY:
            return memory(value)
        case None | [] | {} | "":
            return NOTHING
        case list():
            return " ".join(map(str, value))
        case _:
            return str(value)
