"""The nearest right spelling of a wrong word."""

from collections.abc import Collection, Iterable


def nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the member of `words` that looks most like `word`, or None if none does.

    Upper and lower case, and ``-`` and ``_``, count as the same.
    """
    import difflib  # here, because most words are right

    plain = {_plain(right): right for right in words}
    matches = difflib.get_close_matches(_plain(word), plain, n=1, cutoff=0.6)
    return next((plain[match] for match in matches), None)


def did_you_mean(word: str, words: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"``, or nothing when no word is near."""
    right = nearest(word, words)
    if right is None:
        return ""
    return f"; did you mean {right!r}?"


def nearest_or_all(word: str, words: Collection[str]) -> str:
    """Return the end of a message about an unknown word: the nearest of the words, or all."""
    return did_you_mean(word, words) or f"; it has {', '.join(words) or 'none'}"


def _plain(word: str) -> str:
    return word.casefold().replace("_", "-")
