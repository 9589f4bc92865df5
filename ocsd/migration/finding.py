"""One line of the report about a site of OCS."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class MoveVerdict(StrEnum):
    """The meaning of a thing of OCS for ocsd."""

    TAKEN = "taken"
    """ocsd takes it as it is."""
    DIFFERS = "differs"
    """ocsd takes it, and something is different."""
    DO = "to do"
    """Somebody has something to do, before the move or after it."""
    FIRST = "first"
    """ocsd cannot start until somebody has done something."""


@dataclass(frozen=True, slots=True)
class MoveFinding:
    """A thing at a place, what becomes of it, and the next step."""

    verdict: MoveVerdict
    file: str
    line: int | None
    thing: str
    text: str
    step: str = ""

    @property
    def place(self) -> str:
        """The file, with the line if there is one."""
        if self.line is None:
            return self.file
        return f"{self.file}:{self.line}"

    def __str__(self) -> str:
        """Return the line of the report without its verdict."""
        text = f"{self.place}: {self.thing}: {self.text}"
        if self.step:
            text += f"; {self.step}"
        return text


@dataclass(frozen=True, slots=True)
class Paper:
    """A file, from which findings come."""

    file: str

    def taken(self, line: int | None, thing: str, text: str) -> MoveFinding:
        """Return a finding about what is taken as it is."""
        return MoveFinding(MoveVerdict.TAKEN, self.file, line, thing, text)

    def differs(self, line: int | None, thing: str, text: str, step: str = "") -> MoveFinding:
        """Return a finding about a difference."""
        return MoveFinding(MoveVerdict.DIFFERS, self.file, line, thing, text, step)

    def to_do(self, line: int | None, thing: str, text: str, step: str) -> MoveFinding:
        """Return a finding after which somebody has something to do."""
        return MoveFinding(MoveVerdict.DO, self.file, line, thing, text, step)

    def first(self, line: int | None, thing: str, text: str, step: str) -> MoveFinding:
        """Return a finding without whose step ocsd cannot start."""
        return MoveFinding(MoveVerdict.FIRST, self.file, line, thing, text, step)


def in_order(findings: Iterable[MoveFinding]) -> list[MoveFinding]:
    """Return findings in the order of the lines of each file, each once."""
    given = list(dict.fromkeys(findings))
    files = list(dict.fromkeys(each.file for each in given))
    return sorted(given, key=lambda each: (files.index(each.file), each.line or 0))
