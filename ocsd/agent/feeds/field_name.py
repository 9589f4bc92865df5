"""The rule for names of fields, which become columns of files and of databases."""

import re
from typing import Final

LONGEST_FIELD_NAME: Final = 255
"""Characters of a field name at most."""

_FIELD_NAME: Final = re.compile(r"_*[A-Za-z][A-Za-z0-9_]*")


def is_field_name(name: object) -> bool:
    """Return whether `name` consists of letters, digits and underscores, a letter before a digit.

    Its length is another matter: see `LONGEST_FIELD_NAME`.
    """
    return isinstance(name, str) and _FIELD_NAME.fullmatch(name) is not None
