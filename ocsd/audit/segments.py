"""The files of the audit journal, by their names."""

import os
from pathlib import Path
from typing import Final

SEGMENTS_DROPPED: Final = "dropped"
"""The action of the entry that tells that old segments were removed."""


def name_of(number: int) -> str:
    """Return the name of the segment that begins with an entry."""
    return f"{number:08d}.jsonl"


def segments_of(folder: Path) -> list[Path]:
    """Return the segments in a folder, the oldest first.

    Raises
    ------
    OSError
        If it may not be read.
    """
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    found = [name for name in names if name.endswith(".jsonl") and name[:-6].isdigit()]
    return [folder / name for name in sorted(found, key=lambda name: int(name[:-6]))]
