"""Logins in the URLs of a text, which are for nobody but the programs that use them."""

import re
from typing import Final

_LOGIN: Final = re.compile(r"(?<=://)[^/@\s\"']+@")
_SECRET: Final = re.compile(r"(?<=/)(k|c|call)-[A-Za-z0-9_@~.-]{16,}")


def without_logins(text: str) -> str:
    """Return a text whose URLs have neither user nor password, e.g. ``http://hub:8001/call``.

    Of a capability URL (`ocsd.access`) the kind is left: ``wss://hub:8443/k-...``.
    """
    if "/" not in text:
        return text  # most lines of a log
    return _SECRET.sub(r"\1-...", _LOGIN.sub("", text))
