"""The types in which fields have been written, and changes that readers do not get over.

so3g.hk.load_range gives a field the type that it has in the first frame of a range. A wider type
before a narrower one therefore reads well, the other way round values are lost: 12.5 after
whole numbers is read as 12. So a field that has been written as a float stays a float, in
all lives of its agent and of the recorder. The first change to a wider type cannot be mended, as
the earlier frames are in files already; it is told instead.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from ocsd.aggregator.incoming.columns import wider
from ocsd.journal.kinds import Kind

# Fields that are remembered; the feeds that were written longest ago are forgotten first.
MOST_FIELDS: Final = 100_000

_NOUNS: Final = {
    Kind.BOOL: "true or false",
    Kind.INT: "int",
    Kind.FLOAT: "float",
    Kind.TEXT: "text",
}


class Written(NamedTuple):
    """The types of the values of a field so far."""

    number: Kind | None = None
    """The widest type of numbers or bools in files; None if there are only texts."""
    text: bool = False
    """Whether there are texts in files."""
    expected: Kind | None = None
    """The widest type of numbers or bools, those included that wait for a frame."""

    def also(self, kind: Kind) -> "Written":
        """Return this with values of another type in a file."""
        if kind is Kind.TEXT:
            return self._replace(text=True)
        if kind is self.number:  # nearly always
            return self.expecting(kind)
        return self._replace(number=wider(kind, self.number or kind)).expecting(kind)

    def expecting(self, kind: Kind) -> "Written":
        """Return this with values of another type that wait."""
        if kind is Kind.TEXT or kind is self.expected:
            return self
        return self._replace(expected=wider(kind, self.expected or kind))

    def widest(self, kind: Kind) -> Kind:
        """Return the type in which values of a type have to be written."""
        if kind is Kind.TEXT or self.expected is None:
            return kind
        return wider(kind, self.expected) or kind


_NEW: Final = Written()


class KindChange(NamedTuple):
    """A field whose values a reader of the whole range does not get as they were published."""

    field: str
    """Its full name."""
    before: Kind
    after: Kind

    def __str__(self) -> str:
        """Return the change and its consequence for readers."""
        text = f"was {_NOUNS[self.before]} and is {_NOUNS[self.after]} now: over both, "
        if self.after is Kind.TEXT:
            return text + "so3g.hk.load_range fails"
        if self.before is Kind.TEXT:
            return text + "so3g.hk.load_range returns texts"
        return text + f"so3g.hk.load_range converts all values to {_NOUNS[self.before]}"


class FieldKinds:
    """The types of the fields of all feeds, in the order in which their frames were written."""

    def __init__(self) -> None:
        self._feeds: dict[str, dict[str, Written]] = {}
        self._count = 0

    def expect(self, address: str, kinds: Mapping[str, Kind]) -> None:
        """Remember that columns of these types of a feed wait for a frame."""
        written = self._of(address)
        for name, kind in kinds.items():
            self._set(written, name, written.get(name, _NEW).expecting(kind))
        self._forget()

    def widest(self, address: str, kinds: Mapping[str, Kind]) -> dict[str, Kind]:
        """Return the types in which columns of these types of a feed have to be written."""
        written = self._feeds.get(address, {})
        return {name: written.get(name, _NEW).widest(kind) for name, kind in kinds.items()}

    def wrote(self, address: str, kinds: Mapping[str, Kind]) -> list[KindChange]:
        """Remember that columns of these types were written; return the changes that matter."""
        written = self._of(address)
        changes = []
        for name, kind in kinds.items():
            before = written.get(name, _NEW)
            after = before.also(kind)
            if after is before:  # nearly always
                continue
            was = _misread_as(before, kind)
            if was is not None and (before.number, before.text) != (after.number, after.text):
                changes.append(KindChange(f"{address}.{name}", was, kind))
            self._set(written, name, after)
        self._forget()
        return changes

    def to_json(self) -> dict[str, dict[str, list[str]]]:
        """Return the types by feed and field."""
        return {
            address: {name: list(_words(written)) for name, written in fields.items()}
            for address, fields in self._feeds.items()
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Mapping[str, Any]]) -> "FieldKinds":
        """Return the types that `to_json` has described.

        Raises
        ------
        ValueError, TypeError
            If it is something else.
        """
        kinds = cls()
        for address, fields in dict(stored).items():
            for name, words in dict(fields).items():
                for word in words:
                    kinds.wrote(address, {name: Kind(word)})
        return kinds

    def _of(self, address: str) -> dict[str, Written]:
        """Return the fields of a feed, which becomes the last to be forgotten."""
        fields = self._feeds.pop(address, {})
        self._feeds[address] = fields
        return fields

    def _set(self, fields: dict[str, Written], name: str, written: Written) -> None:
        self._count += name not in fields
        fields[name] = written

    def _forget(self) -> None:
        while self._count > MOST_FIELDS and len(self._feeds) > 1:
            oldest = next(iter(self._feeds))
            self._count -= len(self._feeds.pop(oldest))


def _misread_as(before: Written, kind: Kind) -> Kind | None:
    """Return the type that a reader would give to new values of a wider or another type."""
    if before.number is not None:
        return before.number
    if before.text and kind is not Kind.TEXT:
        return Kind.TEXT
    return None


def _words(written: Written) -> list[str]:
    words = []
    if written.number is not None:
        words.append(str(written.number))
    if written.text:
        words.append(str(Kind.TEXT))
    return words
