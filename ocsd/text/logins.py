"""Logins in the URLs of a text, which are for nobody but the programs that use them."""

import re
from typing import Final

_LOGIN: Final = re.compile(r"(?<=://)[^/@\s\"']+@")


def without_logins(text: str) -> str:
    """Return a text whose URLs have neither user nor password, e.g. ``http://hub:8001/call``."""
    return _LOGIN.sub("", text)
