"""Sizes as people write them."""

import re

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMG]?)i?B?", re.IGNORECASE)
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}


def parse_size(text: str) -> int | None:
    """Return the bytes that a text such as ``500M``, ``1.5 GiB`` or ``4096`` stands for.

    The units are powers of 1024. None is returned if `text` is not a size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        return None
    return int(float(match[1]) * _UNITS[match[2].upper()])
