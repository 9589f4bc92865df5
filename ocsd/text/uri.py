"""Names as parts of WAMP addresses."""

import re
from typing import Final

_PLAIN: Final = re.compile(r"[A-Za-z0-9-]")


def uri_component(name: str) -> str:
    """Return a name as one component of an address; other signs become ``_`` and two hex digits.

    Two names never become the same, because ``_`` is such a sign, too: ``lab.1`` is ``lab_2e1``.
    """
    return "".join(sign if _PLAIN.fullmatch(sign) else _encoded(sign) for sign in name)


def _encoded(sign: str) -> str:
    return "".join(f"_{byte:02x}" for byte in sign.encode(errors="surrogateescape"))
