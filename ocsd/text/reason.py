"""Reasons in a line of text: shortened, and as a clause after other words."""

from typing import Final

LONGEST: Final = 300
_END: Final = 100
_CUT: Final = " ... "


def shortened(text: str) -> str:
    """Return a reason without the middle of one that is too long; the log has all of it.

    Parameters
    ----------
    text : str
        In the words of an agent. It begins with what is wrong, and may end with what to do.
    """
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST - _END - len(_CUT)]}{_CUT}{text[-_END:]}"
