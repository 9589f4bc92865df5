"""The record of a copy: which files of a data folder it has, as they were verified there."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from ocsd.errors import OutputFileError
from ocsd.system.files import replace

_RECORD_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """A file that was read back from the copy and had the checksum of the source."""

    size_bytes: int
    mtime_ns: int
    """Size and time of the source; another one is copied again."""
    sha256: str


class CopyRecord:
    """The files of a copy by name, a file of JSON for each subfolder; `save` writes what is new.

    Parameters
    ----------
    folder : Path
        ``ocsd/sync`` in the copy.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, dict[str, CopiedFile]] = {}

    def get(self, name: str) -> CopiedFile | None:
        """Return the facts of a file; None if it was never verified."""
        return self._of(name).get(name)

    def put(self, name: str, copied: CopiedFile) -> None:
        """Add a file that was verified; it is on the disk when this returns.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        files = self._of(name)
        files[name] = copied
        content = {key: asdict(each) for key, each in sorted(files.items())}
        text = json.dumps({"version": _RECORD_VERSION, "files": content}, indent=1)
        replace(self._path(name), text.encode(), durable=True)

    def _of(self, name: str) -> dict[str, CopiedFile]:
        path = self._path(name)
        if path.name not in self._files:
            self._files[path.name] = _read(path)
        return self._files[path.name]

    def _path(self, name: str) -> Path:
        return self._folder / f"{name.rpartition('/')[0].replace('/', '-') or 'files'}.json"


def check_source(folder: Path, source: str) -> None:
    """Refuse to bring the files of two data folders into one copy: their names may be the same.

    Raises
    ------
    OutputFileError
        If the copy is that of another folder.
    OSError
        If it cannot be read or written.
    """
    note = folder / "source"
    try:
        told = note.read_text().strip()
    except FileNotFoundError:
        replace(note, f"{source}\n".encode(), durable=True)
        return
    if told != source:
        raise OutputFileError(
            f"{folder.parent.parent} is the copy of {told}, not of {source}: files of two hosts "
            "can have the same name; take a folder for each, or if it is the same data folder "
            f"under another name, write that name into {note}"
        )


def _read(path: Path) -> dict[str, CopiedFile]:
    """Return the stored record; what cannot be read is as if nothing had been verified."""
    try:
        stored: Mapping[str, Any] = json.loads(path.read_text())
        if stored["version"] != _RECORD_VERSION:
            return {}
        return {name: CopiedFile(**each) for name, each in stored["files"].items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}
