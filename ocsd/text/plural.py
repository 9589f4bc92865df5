"""A number and its noun."""


def plural(number: int, word: str) -> str:
    """Return a number with its noun, e.g. ``1 file`` or ``2 files``."""
    return f"{number} {word}" + "s" * (number != 1)
