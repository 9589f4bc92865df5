"""The files of a journal."""

from collections.abc import Iterable
from pathlib import Path


def journal_folder(folder: Path) -> Path:
    """Return the folder of the journal of a data folder."""
    return folder / "ocsd" / "journal"


def segments(folder: Path) -> list[tuple[int, Path]]:
    """Return number and path of all segments in the folder of a journal, ascending."""
    paths: Iterable[Path] = folder.glob("*.wal")
    return sorted((int(path.stem), path) for path in paths if path.stem.isdigit())
