"""Finds fields by full name, by pattern, or by a unique ending. Pure."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from ocsd.errors import NoDataError, UsageError
from ocsd.text.nearest import did_you_mean

_MOST_NAMES_LISTED = 6


def choose(wanted: Sequence[str], known: Iterable[str], when: str = "") -> list[str]:
    """Return the names that are meant, in the order of `wanted`, each once.

    Each of `wanted` is a whole name, a shell pattern of one, the end of exactly one (whole words
    between the dots), or a feed or an instance, which means everything of it. A pattern may leave
    out the first words too. `when` says
    for the error to which times `known` is limited.

    Raises
    ------
    NoDataError
        If there is no such name; proposes the nearest.
    UsageError
        If an ending, or a part, belongs to several names.
    """
    names = sorted(known)
    chosen: dict[str, None] = {}
    for word in wanted:
        matching = _matching(word, names) or _within(word, names)
        if not matching:
            raise NoDataError(f"there are no data of '{word}'{when}{_near(word, names)}")
        chosen |= dict.fromkeys(matching)
    return list(chosen)


def _matching(word: str, names: Sequence[str]) -> list[str]:
    if word in names:
        return [word]
    if set(word) & set("*?["):
        patterns = (word, f"*.{word}")
        return [name for name in names if any(fnmatchcase(name, each) for each in patterns)]
    matching = [name for name in names if name.endswith(f".{word}")]
    if len(matching) > 1:
        raise UsageError(
            f"'{word}' is the end of {len(matching)} names ({_listed(matching)}); write more "
            f"of the one you mean, or '*.{word}' for all"
        )
    return matching


def _within(word: str, names: Sequence[str]) -> list[str]:
    """Return the names of everything of a feed or an instance."""
    inside = [name for name in names if f".{word}." in f".{name}"]
    wholes = {f".{name}".partition(f".{word}.")[0] for name in inside}
    if len(wholes) > 1:
        raise UsageError(
            f"'{word}' is a part of {len(inside)} names ({_listed(inside)}); write more of the one "
            f"you mean, or '*.{word}.*' for all"
        )
    return inside


def _near(word: str, names: Sequence[str]) -> str:
    # Endings of as many words as the one that was written are most likely meant.
    words = word.count(".") + 1
    endings = {".".join(name.split(".")[-words:]) for name in names}
    return did_you_mean(word, endings | set(names)) or "; `ocsd data ls` lists what there is"


def _listed(names: Sequence[str]) -> str:
    text = ", ".join(names[:_MOST_NAMES_LISTED])
    if len(names) > _MOST_NAMES_LISTED:
        text += f" and {len(names) - _MOST_NAMES_LISTED} more"
    return text
