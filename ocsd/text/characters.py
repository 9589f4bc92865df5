"""The characters that a terminal can show."""

import os
from collections.abc import Mapping
from typing import Final, TextIO

FAR_TERMINAL: Final = "OCSD_FAR_TERMINAL"
"""The variable that is not empty for a command whose output goes to a terminal on another host."""


def takes_unicode(encoding: str | None, environment: Mapping[str, str]) -> bool:
    """Return whether an output of an encoding may get characters beyond ASCII.

    With ``LC_ALL=C`` Python writes UTF-8 all the same, unless ``PYTHONUTF8`` says so; the person
    who sets it has a terminal that shows ASCII only.
    """
    if not (encoding or "ascii").lower().startswith("utf"):
        return False
    if environment.get("PYTHONUTF8") == "1" or environment.get("PYTHONIOENCODING"):
        return True
    return environment.get("LC_ALL") not in {"C", "POSIX"}


def adapt(stream: TextIO) -> None:
    """Have a text file write what it cannot show as an escape of Python's, and not fail.

    A file or pipe gets UTF-8 if that is its encoding.
    """
    encoding = stream.encoding
    if stream.isatty() and not takes_unicode(encoding, os.environ):
        encoding = "ascii"
    stream.reconfigure(encoding=encoding, errors="backslashreplace")  # type: ignore[attr-defined]  # a TextIOWrapper
