"""Changes of a text that leave everything else as it is, and its lines countable."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """One change: the characters from `start` to `end` become `text`."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A changed text that knows where its lines come from."""

    text: str
    added: tuple[int, ...] = ()
    """Lines of the old text, from 1, before which a line was put in; one for each new line."""

    def old_line(self, line: int) -> int:
        """Return the line of the old text from which a line of the new one comes."""
        old = line
        for index, at in enumerate(self.added):
            if line > at + index:
                old = max(line - index - 1, at)
        return old


def apply(text: str, edits: Iterable[Edit]) -> Rewritten:
    """Return the text with all edits made, which do not overlap; of equal ones only one is made."""
    parts, at, added = [], 0, []
    for edit in sorted(set(edits), key=lambda each: (each.start, each.end, each.text)):
        line = text.count("\n", 0, edit.start) + 1
        added += [line] * (edit.text.count("\n") - text.count("\n", edit.start, edit.end))
        parts += [text[at : edit.start], edit.text]
        at = edit.end
    return Rewritten("".join((*parts, text[at:])), tuple(added))
