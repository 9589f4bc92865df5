"""The files of this repository that are measured."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from tests.architecture.measures.source import Source, read

ROOT = Path(__file__).parents[2]

DAEMON = ("ocsd",)
PRODUCT = ("ocsd", "agents")
OTHER_CODE = ("tests", "benchmarks")

_PAGES = (
    "*.md",
    "docs/**/*.md",
    "agents/**/*.md",
    "tests/**/*.md",
    "benchmarks/**/*.md",
    "setup.cfg",
    "ruff.toml",
    "Makefile",
    "Dockerfile",
)

_HISTORY = frozenset({"CHANGELOG.md"})
"""Pages that speak of files as they once were."""


class Repository:
    """The parsed files of a repository.

    Parameters
    ----------
    root : Path
        Its folder.
    more : iterable of str
        Files and folders to measure as if they belonged to the product.
    """

    def __init__(self, root: Path = ROOT, more: Iterable[str] = ()) -> None:
        self.root = root
        self._more = tuple(more)

    @cached_property
    def product(self) -> list[Source]:
        """The Python files that users install: ocsd/ and agents/."""
        return read(self.root, [*PRODUCT, *self._more])

    @cached_property
    def daemon(self) -> list[Source]:
        """The Python files of ocsd/ alone."""
        return [source for source in self.product if source.path.startswith("ocsd/")]

    @cached_property
    def code(self) -> list[Source]:
        """All Python files, those of tests and benchmarks included."""
        known = {source.path for source in self.product}
        others = [source for source in read(self.root, OTHER_CODE) if source.path not in known]
        return [*self.product, *others]

    @cached_property
    def pages(self) -> list[Path]:
        """The documentation and the configuration of the tools."""
        found = {page for pattern in _PAGES for page in self.root.glob(pattern)}
        return sorted(page for page in found if page.name not in _HISTORY)
