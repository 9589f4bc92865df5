"""Fields as people write them: in full, by pattern, or by a unique ending. Pure."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from ocsd.errors import NoDataError, UsageError
from ocsd.text.nearest import did_you_mean

_MOST_LISTED = 6


def choose(wanted: Sequence[str], known: Iterable[str], when: str = "") -> list[str]:
    """Return the names that are meant, in the order of `wanted`, each once.

    Parameters
    ----------
    wanted : sequence of str
        Each a whole name, a shell pattern of one, or the end of exactly one
        (whole words between the dots). A pattern may leave out the first words too.
    known : iterable of str
        Every name that there is.
    when : str
        Of which times, if not of all; for the error.

    Raises
    ------
    NoDataError
        If nothing has such a name; proposes the nearest.
    UsageError
        If an ending belongs to several names.
    """
    names = sorted(known)
    found: dict[str, None] = {}
    for word in wanted:
        found |= dict.fromkeys(_meant(word, names, when))
    return list(found)


def _meant(word: str, names: Sequence[str], when: str) -> list[str]:
    if word in names:
        return [word]
    if any(sign in word for sign in "*?["):
        matching = [
            name for name in names if fnmatchcase(name, word) or fnmatchcase(name, f"*.{word}")
        ]
    else:
        matching = [name for name in names if name.endswith(f".{word}")]
        if len(matching) > 1:
            raise UsageError(
                f"'{word}' is the end of {len(matching)} names ({_listed(matching)}); write more "
                f"of the one you mean, or '*.{word}' for all"
            )
    if not matching:
        raise NoDataError(f"there are no data of '{word}'{when}{_near(word, names)}")
    return matching


def _near(word: str, names: Sequence[str]) -> str:
    # What was written may be a feed or an instance, where fields were asked for.
    if any(f".{word}." in f".{name}" for name in names):
        return f"; write '{word}.*' for everything of it"
    # Endings of as many words as were written are what was likely meant.
    words = word.count(".") + 1
    endings = {".".join(name.split(".")[-words:]) for name in names}
    return did_you_mean(word, endings | set(names)) or "; `ocsd data ls` lists what there is"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more
