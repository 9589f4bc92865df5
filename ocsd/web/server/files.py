"""The files of the page, with a tag by which a browser knows that it has them already."""

import hashlib
import re
from pathlib import Path
from typing import Final, NamedTuple

PAGE_FOLDER: Final = Path(__file__).parent.parent / "page"
_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")

MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
}
"""Media types of the files that are served; no other file is."""


class PageFile(NamedTuple):
    """A file of the page."""

    content: bytes
    kind: str
    tag: str
    """Its ETag: another content has another one."""


class PageFiles:
    """Serves the files of a folder, each read again when it has changed."""

    def __init__(self, folder: Path = PAGE_FOLDER) -> None:
        self._folder = folder
        self._kept: dict[Path, tuple[int, int, PageFile]] = {}

    def find(self, pieces: tuple[str, ...]) -> PageFile | None:
        """Return the file at a path below the folder; None if there is none."""
        path = self._folder.joinpath(*pieces)
        kind = MEDIA_TYPES.get(path.suffix)
        if kind is None or not all(map(_NAME.fullmatch, pieces)):
            return None
        try:
            status = path.stat()
            kept = self._kept.get(path)
            if kept is None or kept[:2] != (status.st_mtime_ns, status.st_size):
                content = path.read_bytes()
                tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
                file = PageFile(content, kind, tag)
                kept = self._kept[path] = (status.st_mtime_ns, status.st_size, file)
        except OSError:
            return None
        return kept[2]
