"""How Sphinx builds the documentation: ``make docs``."""

import re
from pathlib import Path

from sphinx.application import Sphinx

from ocsd import __version__

DOCS = Path(__file__).parent

project = "ocsd"
author = "The ocsd founders"
release = version = __version__

extensions = ["myst_parser", "sphinx_copybutton"]
root_doc = "index"
nitpicky = True
# Grafana's macros in SQL and Alloy's language have no lexer; such a block is shown without colours.
suppress_warnings = ["misc.highlighting_failure"]

# Headings have the anchors that GitHub gives them, so links work in both places.
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"ocsd {version}"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
copybutton_exclude = ".linenos, .gp, .go"


def outside(match: re.Match[str], page: Path) -> str:
    """Return a link to a file of the repository that is no page: its text, and its path as code."""
    target = (page.parent / match["file"]).resolve()
    if target.is_relative_to(DOCS) or not target.exists():
        return match[0]
    path = f"`{target.relative_to(DOCS.parent)}`"
    text = match["text"].strip("`").rstrip("/")
    return path if path.strip("`").endswith(text) else f"{match['text']} ({path})"


def name_files_outside(app: Sphinx, name: str, source: list[str]) -> None:
    """Name the files that are not part of the site, instead of linking to them."""
    page = DOCS / f"{name}.md"
    link = r"\[(?P<text>[^\]]*)\]\((?P<file>\.\./[^)#\s]*)(?:#[^)]*)?\)"
    source[0] = re.sub(link, lambda match: outside(match, page), source[0])


def setup(app: Sphinx) -> None:
    """Connect what changes the sources; Sphinx calls this."""
    app.connect("source-read", name_files_outside)
