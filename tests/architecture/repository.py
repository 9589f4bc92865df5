"""The files of this repository that are measured."""

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from tests.architecture.measures import shape
from tests.architecture.measures.complexity import Complexity, complexities
from tests.architecture.measures.source import Source, read

ROOT = Path(__file__).parents[2]

DAEMON = ("ocsd",)
PRODUCT = ("ocsd", "agents")
OTHER_CODE = ("tests", "benchmarks")

_TEXT_FILES = (
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
    def code_lines(self) -> int:
        """Lines of code of ocsd/ alone: no blank line, comment or docstring."""
        return sum(map(shape.code_lines, self.daemon))

    @cached_property
    def complexities(self) -> list[Complexity]:
        """The complexity of the product's functions and classes."""
        return complexities(self.product)

    @cached_property
    def pages(self) -> list[Path]:
        """The documentation and the configuration of the tools.

        The changelog is left out, because it speaks of files as they once were.
        """
        return [file for file in self.text_files if file.name != "CHANGELOG.md"]

    @cached_property
    def text_files(self) -> list[Path]:
        """The pages and the changelog."""
        return sorted({file for pattern in _TEXT_FILES for file in self.root.glob(pattern)})
