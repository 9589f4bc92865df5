"""The rules for names of feeds, blocks and fields, for agents and for the aggregator.

Fields become columns of files and of databases.
"""

import re
from typing import Final

LONGEST_FIELD_NAME: Final = 255
"""Characters of a field name at most."""

LONGEST_NAME: Final = 255
"""Characters of any other name at most, such as a block's, and of a feed's address."""

_FIELD_NAME: Final = re.compile(r"_*[A-Za-z][A-Za-z0-9_]*")
_FEED_NAME: Final = re.compile(r"[^\s.#]+")


def is_field_name(name: object) -> bool:
    """Return whether `name` consists of letters, digits and underscores, a letter before a digit.

    Its length is another matter: see `LONGEST_FIELD_NAME`.
    """
    return isinstance(name, str) and _FIELD_NAME.fullmatch(name) is not None


def name_fault(name: object) -> str:
    """Return why `name` cannot name a block, e.g. ``is empty``; empty if it can."""
    if not isinstance(name, str):
        return f"is a {type(name).__name__}, not text"
    if not name:
        return "is empty"
    if len(name) > LONGEST_NAME:
        return f"has {len(name)} characters, at most {LONGEST_NAME} are allowed"
    try:
        name.encode()
    except UnicodeEncodeError:
        return "is not valid Unicode"
    return ""


def feed_name_fault(name: object, address: str) -> str:
    """Return why `name` cannot name a feed that has `address`; empty if it can."""
    fault = name_fault(name)
    if fault:
        return fault
    if _FEED_NAME.fullmatch(str(name)) is None:
        return "is not valid: no spaces, dots and '#'"
    if len(address) > LONGEST_NAME:
        return f"makes an address of {len(address)} characters, at most {LONGEST_NAME} are allowed"
    return ""
