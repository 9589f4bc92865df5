"""Reasons in a line of text: shortened, and as a clause after other words."""

import itertools
from typing import Final

from ocsd.text.printable import one_line

LONGEST_REASON: Final = 300
AS_ABOVE: Final = "(as above)"
"""Stands for a text that was printed before."""

_SHORT: Final = 30
"""Length up to which a text may be printed twice."""

_CUT: Final = " ... "


def shortened(text: str, longest: int = LONGEST_REASON) -> str:
    """Return a reason without its middle if it is too long; the log has all of it.

    It begins with the error and may end with the advice, or the place.
    """
    if len(text) <= longest:
        return text
    end = longest // 3
    return f"{text[: longest - end - len(_CUT)]}{_CUT}{text[-end:]}"


def clause(lead: str, text: str) -> str:
    """Return `lead` and `text`, or nothing if there is no text."""
    if not text:
        return ""
    return lead + text


class Said:
    """The reasons that were printed already, so that a long one is printed once."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def has(self, text: str) -> bool:
        """Return whether a text was printed, as a whole or within another one."""
        plain = one_line(text)
        return len(plain) > _SHORT and any(plain in said for said in self._texts)

    def once(self, text: str) -> str:
        """Return a text with `AS_ABOVE` for what was printed before.

        That is looked for in all of it and in its parts between semicolons, and behind the colon
        of each.
        """
        shown = [self._part(text)]
        if shown == [text] or "; " in text.partition(": ")[0]:
            shown = [self._part(part) for part in text.split("; ")]
        self._texts.append(one_line(text))
        return "; ".join(part for part, _ in itertools.groupby(shown))

    def _part(self, part: str) -> str:
        if self.has(part):
            return AS_ABOVE
        lead, colon, rest = part.partition(": ")
        if colon and self.has(rest):
            return f"{lead}: {AS_ABOVE}"
        return part
