"""The documentation that is installed with ocsd: where it is, and where something stands in it."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import ocsd

_HERE = Path(ocsd.__file__).parent
_MOST_PER_PAGE = 3
_WEIGHT_OF_TITLE, _WEIGHT_OF_HEADING, _MOST_COUNTED = 20, 10, 3


class FoundSection(NamedTuple):
    """A section in which all words stand."""

    page: str
    """Name of the page, as in ``run/operating``."""
    heading: str
    line: str
    """The first line of the section with one of the words."""
    weight: int
    """Measure of the fit; the greatest is the best."""


def pages_folder() -> Path | None:
    """Return the folder of the pages as text: that of the installation, or of the checkout."""
    return next(
        (each for each in (_HERE / "documents", _HERE.parent / "docs") if each.is_dir()), None
    )


def site_start() -> Path | None:
    """Return the first page for a browser, if it was built."""
    places = (_HERE / "documents" / "html", _HERE.parent / "build" / "docs")
    return next((each / "index.html" for each in places if (each / "index.html").exists()), None)


def pages(folder: Path) -> dict[str, str]:
    """Return the text of each page by its name, in the order of their names."""
    files = sorted(folder.rglob("*.md"))
    return {each.relative_to(folder).with_suffix("").as_posix(): each.read_text() for each in files}


def title(text: str) -> str:
    """Return the title of a page."""
    return text.partition("\n")[0].lstrip("# ")


def search(words: Iterable[str], texts: dict[str, str]) -> list[FoundSection]:
    """Return the sections in which all words stand, the best first, few of each page.

    Parameters
    ----------
    words : iterable of str
        Words or parts of words; small letters stand for capitals, too.
    texts : dict
        The pages.
    """
    wanted = [word.lower() for word in words]
    found = []
    for page, text in texts.items():
        sections = [_found(page, text, *section, wanted) for section in _sections(text)]
        best = sorted((each for each in sections if each), key=lambda each: -each.weight)
        found += best[:_MOST_PER_PAGE]
    return sorted(found, key=lambda each: -each.weight)


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Yield heading and text of each section."""
    # Comments in examples, which look the same, begin with a small letter.
    parts = re.split(r"^#{1,4} ([^a-z\n].*)$", text, flags=re.MULTILINE)
    yield from zip(parts[1::2], parts[2::2], strict=True)


def _found(
    page: str, text: str, heading: str, section: str, words: list[str]
) -> FoundSection | None:
    everything = f"{heading}\n{section}".lower()
    if not all(word in everything for word in words):
        return None
    weight = sum(
        _WEIGHT_OF_TITLE * (word in title(text).lower())
        + _WEIGHT_OF_HEADING * (word in heading.lower())
        + min(everything.count(word), _MOST_COUNTED)
        for word in words
    )
    if page.startswith("develop/"):
        weight //= 2  # what users look for is seldom there
    lines = [each.strip() for each in section.splitlines()]
    first = next((each for each in lines if any(word in each.lower() for word in words)), "")
    return FoundSection(page, heading, first, weight)
