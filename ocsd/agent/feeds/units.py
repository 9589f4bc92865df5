"""Units and labels of fields: what the author of a feed declares about them.

They go with every message, as ``agg_params`` do, so that a message says by itself what it
means: live, from the spool, and in files years later.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any, Final

from ocsd.agent.feeds.names import LONGEST_FIELD_NAME, is_field_name
from ocsd.bus.encoding import shown
from ocsd.text.nearest import did_you_mean

UNITS: Final = "units"
LABELS: Final = "labels"

LONGEST: Final = {UNITS: 64, LABELS: 255}
"""Characters of a unit and of a label at most."""

LONGEST_DECLARATION_BYTES: Final = 2**15
"""Names and texts of all units, and of all labels, of a feed at most [bytes]."""


UNPUBLISHED_LIMIT_S: Final = 60.0
"""Time after which a declared field that was never published is named in the log [s]."""


def declared(feed: str, what: str, texts: object) -> dict[str, str]:
    """Return the units or the labels of a feed as they go with its messages.

    Parameters
    ----------
    feed : str
        Name of the feed, for the error.
    what : str
        `UNITS` or `LABELS`.
    texts : mapping of str to str, or None
        A text for each field that has one, e.g. ``{"channel_00": "K"}``.

    Raises
    ------
    TypeError
        If it is no map, or a text is not text.
    ValueError
        If a name cannot be that of a field, or a text is empty, too long or has control
        characters.
    """
    where = f"feed {feed!r}: {what}"
    if texts is None:
        return {}
    if not isinstance(texts, Mapping):
        raise TypeError(
            f"{where} are {shown(texts)}, not a map; write e.g. "
            f'{what}={{"channel_00": "{_EXAMPLES[what]}"}}'
        )
    for field, text in texts.items():
        fault = _name_fault(field)
        if fault:
            raise ValueError(f"{where}: no field has the name {shown(field)}, because it {fault}")
        if not isinstance(text, str):
            raise TypeError(f"{where}: that of field {field!r} is {shown(text)}, not text")
        fault = text_fault(text, LONGEST[what])
        if fault:
            raise ValueError(f"{where}: that of field {field!r}, {shown(text)[4:]}, {fault}")
    size_bytes = _size_bytes(texts)
    if size_bytes > LONGEST_DECLARATION_BYTES:
        raise ValueError(
            f"{where}: they have {size_bytes:,} bytes, at most {LONGEST_DECLARATION_BYTES:,} are "
            "allowed because they go with every message; shorten them, or use several feeds"
        )
    return dict(texts)


def received(feed_info: Mapping[str, Any], what: str) -> dict[str, str]:
    """Return the units or the labels in a feed_info, without those that break a rule."""
    texts = feed_info.get(what)
    if not isinstance(texts, Mapping):
        return {}
    good = {
        field: text
        for field, text in texts.items()
        if not _name_fault(field) and isinstance(text, str) and not text_fault(text, LONGEST[what])
    }
    if _size_bytes(good) > LONGEST_DECLARATION_BYTES:
        return {}
    return good


def text_fault(text: str, longest: int) -> str:
    """Return why a text cannot be a unit or a label, e.g. ``is empty``; empty if it can."""
    if not text.strip():
        return "is empty"
    if len(text) > longest:
        return f"has {len(text):,} characters, at most {longest} are allowed"
    # Also the marks that change the direction of a line, and halves of surrogate pairs. Most texts
    # have nothing of the kind, and a feed of many fields has many.
    if not text.isprintable() and any(
        unicodedata.category(character) in _UNPRINTABLE for character in text
    ):
        return "has a control character"
    return ""


class Unpublished:
    """The fields with units or labels of which no sample has been published yet."""

    def __init__(self, *declarations: Mapping[str, str]) -> None:
        self.fields = {field for texts in declarations for field in texts}
        self._declared = frozenset(self.fields)
        self._others: set[str] = set()
        self._until_s: float | None = None

    def see(self, published: Iterable[str], now_s: float) -> str:
        """Take in the fields of a sample; return a complaint, once, if a name may be misspelt.

        `now_s` is the monotonic time [s]. A field has `UNPUBLISHED_LIMIT_S` from the first
        sample on, because blocks of a feed need not begin together. If all that is published has
        been declared, more may have been declared: of a device whose channels vary.
        """
        if self._until_s is None:
            self._until_s = now_s + UNPUBLISHED_LIMIT_S
        self._others |= set(published) - self._declared
        self.fields.difference_update(published)
        if not self.fields or now_s < self._until_s:
            return ""
        missing, self.fields = sorted(self.fields), set()
        if not self._others:
            return ""
        others = sorted(self._others)
        near = did_you_mean(missing[0], others) or f"; published is {others[0]!r}, without"
        return f"no field {missing[0]!r} is published, for which units or a label are given{near}"


_EXAMPLES: Final = {UNITS: "K", LABELS: "cold plate"}
_UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def _name_fault(field: object) -> str:
    if not is_field_name(field):
        return "is not made of letters, digits and underscores with a letter first"
    if len(str(field)) > LONGEST_FIELD_NAME:
        return f"has more than {LONGEST_FIELD_NAME} characters"
    return ""


def _size_bytes(texts: Mapping[str, str]) -> int:
    return sum(len(field) + len(text.encode()) for field, text in texts.items())
