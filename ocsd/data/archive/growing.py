"""The file that is being written, read on from where it ended before."""

from pathlib import Path

from ocsd.aggregator.numbers.hole import Hole
from ocsd.data.decode import pieces
from ocsd.data.folder import permitted
from ocsd.data.index import Damage, FileSummary, IndexedSource
from ocsd.data.scan import NOT_OF_THE_SCHEMA, Found, Providers
from ocsd.data.spans import believable


class GrowingFile:
    """A file that is being written.

    Parameters
    ----------
    path, name : Path, str
        Where it is, and its name within the data folder.
    """

    def __init__(self, path: Path, name: str) -> None:
        self._path = path
        self._name = name
        self._inode = 0
        self._providers = Providers()
        self._offset = 0
        self._frames = 0
        self._sources: list[IndexedSource] = []
        self._holes: list[Hole] = []
        self._damage: list[Damage] = []

    def advance(self, limit: int | None) -> None:
        """Read new whole frames that begin before the byte `limit`, if there is one.

        Raises
        ------
        OcsdError
            If it cannot be read.
        """
        with permitted(self._path):
            found = self._path.stat()
            if found.st_size < self._offset or found.st_ino != self._inode:
                self._begin(found.st_ino)
            limits = believable(float(self._path.stem), found.st_mtime)
            for piece in pieces(self._path, self._offset):
                if limit is not None and piece.offset >= limit:
                    break
                if isinstance(piece, Damage):
                    if piece.at_end:
                        break  # a frame that is just being written
                    self._damage.append(piece)
                else:
                    one = Found(self._providers)
                    try:
                        one.take(piece)
                    except NOT_OF_THE_SCHEMA as error:
                        reason = f"the frame is not of the schema: {error}"
                        self._damage.append(Damage(piece.offset, piece.length, reason, False))
                    self._sources += one.sources(limits)
                    self._holes += one.holes
                    self._frames += 1
                self._offset = piece.offset + piece.length

    def summary(self) -> FileSummary:
        """Return the content so far; each frame is a source of its own."""
        return FileSummary(
            name=self._name,
            size_bytes=self._offset,
            mtime_ns=0,
            frames=self._frames,
            sources=tuple(self._sources),
            holes=tuple(self._holes),
            damage=tuple(self._damage),
        )

    def _begin(self, inode: int) -> None:
        """Begin with another file of that name."""
        self._inode = inode
        self._providers = Providers()
        self._offset = self._frames = 0
        self._sources, self._holes, self._damage = [], [], []
