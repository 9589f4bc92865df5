"""How many files lie in a folder."""

from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

from tests.architecture.measures.source import Place, Source


def files_per_folder(sources: Iterable[Source]) -> dict[str, int]:
    """Return the number of Python files in each folder, the fullest first."""
    counted = Counter(str(PurePosixPath(source.path).parent) for source in sources)
    return dict(counted.most_common())


def full_folders(sources: Iterable[Source], most: int) -> list[Place]:
    """Return the folders with more than `most` Python files."""
    return [
        Place(folder, 1, f"{count} files")
        for folder, count in files_per_folder(sources).items()
        if count > most
    ]
