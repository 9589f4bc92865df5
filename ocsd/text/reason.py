"""Reasons in a line of text: shortened, and as a clause after other words."""

from typing import Final

LONGEST_REASON: Final = 300
_END: Final = 100
_CUT: Final = " ... "


def shortened(text: str) -> str:
    """Return a reason without its middle if it is too long; the log has all of it.

    It begins with the error and may end with the advice.
    """
    if len(text) <= LONGEST_REASON:
        return text
    return f"{text[: LONGEST_REASON - _END - len(_CUT)]}{_CUT}{text[-_END:]}"


def clause(lead: str, text: str) -> str:
    """Return `lead` and `text`, or nothing if there is no text."""
    if not text:
        return ""
    return lead + text
