"""The sentences of pages, and a linter for them: ``python -m tests.unit.docs.prose``.

Sentences are the text without code, tables, headings and the addresses of links.
"""

import itertools
import re
import sys
from pathlib import Path
from subprocess import run
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[3]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
"""The pages for readers."""

_NOT_OURS = ("typography.", "psychology.", "dates_times.am_pm.")
"""Rules of proselint that do not hold here: quotes are straight, and "am" is a verb."""
_NOT_LINTED = {"decisions.md", "compatibility.md", "names.md", "errors.md", "commands.md"}
"""Pages of what once was, or that are made from other texts."""

_NOT_PROSE = re.compile(
    r"""^[ ]*```.*?^[ ]*```[ ]*$      # an example in a fence
    |^(?:[ ]{4,}|\t)[^\n]*$           # an indented one
    |^\|[^\n]*$                       # a table
    |^\#+[ ][^\n]*$                   # a heading
    |!\[[^\]]*\]\([^)]*\)            # a picture
    |^-[ ]\[[^\]]*\]\(\#[^)]*\)$     # an entry of the list of contents
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)


def prose(text: str) -> str:
    """Return what of a page is prose; each piece of code within it is a word such as ``Code1``."""
    text = re.sub(r"^(\s*(?:[-*]|\d+\.) )", r"\n\1", text, flags=re.MULTILINE)
    text = _NOT_PROSE.sub("\n\n", text)
    # Numbered, because the same word twice is a fault.
    number = itertools.count()
    text = re.sub(r"`[^`]+`", lambda _: f"Code{next(number)}", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"[*_]{2}", "", text)


def sentences(text: str) -> list[str]:
    """Return the sentences of a page."""
    paragraphs = re.split(r"\n\s*\n", prose(text))
    found = []
    for paragraph in paragraphs:
        joined = re.sub(r"^(?:[-*]|\d+\.) ", "", " ".join(paragraph.split()))
        found += re.split(r"(?<=[.!?:])\s+(?=[A-Z\"(])", joined)
    return [each for each in found if len(each.split()) > 1]


def faults() -> str:
    """Return what proselint says of the pages, a line for each fault."""
    with TemporaryDirectory() as folder:
        for page in PAGES:
            if page.name not in _NOT_LINTED:
                name = page.relative_to(ROOT).as_posix().replace("/", "__")
                (Path(folder) / name).write_text("\n\n".join(sentences(page.read_text())))
        program = Path(sys.executable).with_name("proselint")
        files = sorted(Path(folder).glob("*.md"))
        done = run(
            [program, "check", *files],
            capture_output=True,
            text=True,
            check=False,
        )
        lines = done.stdout.replace(f"{folder}/", "").replace("__", "/").splitlines()
        ours = [each for each in lines if not any(f": {rule}" in each for rule in _NOT_OURS)]
        return "\n".join([*ours, done.stderr]).strip()


if __name__ == "__main__":
    found = faults()
    sys.exit(found or 0)
