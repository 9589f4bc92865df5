"""`ocsd docs`: the documentation of this version, in a browser or here."""

import os
import sys

import click

from ocsd.cli.documents import pages, pages_folder, search, site_start, title
from ocsd.errors import MissingLibraryError, NoDataError

_SECTIONS_SHOWN = 12
_LINE_COLUMNS = 100

_EXAMPLES_OF_DOCS = """\b
Examples:
  ocsd docs                    # in a browser; without one, the list of pages
  ocsd docs disk               # where it says something about disks
  ocsd docs move data folder   # sections with all of these words
  ocsd docs run/keeping        # print this page
"""


@click.command(epilog=_EXAMPLES_OF_DOCS)
@click.argument("words", nargs=-1, metavar="[WORD|PAGE]...")
@click.option("--path", is_flag=True, help="Print where the documentation is, and open nothing.")
def docs(words: tuple[str, ...], path: bool) -> None:
    """Show the documentation of the installed version, or find words in it.

    Without a browser, e.g. over ssh, the pages are listed. Nothing is taken from the network.
    """
    folder, start = pages_folder(), site_start()
    if folder is None:
        raise MissingLibraryError(
            "this installation has no documentation; it is in the folder docs/ of ocsd's source"
        )
    if path:
        print(start or folder)
        return
    texts = pages(folder)
    if words:
        _print_found(words, texts)
    else:
        print(start or folder)
        if start is None or not _opened(start.as_uri()):
            _print_list([(name, title(text)) for name, text in texts.items()])


def _opened(address: str) -> bool:
    """Open an address in a browser of this terminal's user, if there is one."""
    has_screen = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))
    if not (has_screen and sys.stdout.isatty()):
        return False
    import webbrowser

    return webbrowser.open(address)


def _print_found(words: tuple[str, ...], texts: dict[str, str]) -> None:
    if len(words) == 1 and words[0] in texts:
        print(texts[words[0]], end="")
        return
    found = search(words, texts)
    if not found:
        raise NoDataError(f"no page has {' and '.join(map(repr, words))}; the pages: ocsd docs")
    for each in found[:_SECTIONS_SHOWN]:
        print(f"{each.page}: {each.heading}")
        if each.line:
            print(f"    {each.line[:_LINE_COLUMNS]}")
    more = len(found) - _SECTIONS_SHOWN
    if more > 0:
        print(f"and {more} more; further words find less")
    print(f"print a page: ocsd docs {found[0].page}")


def _print_list(rows: list[tuple[str, str]]) -> None:
    width = max(len(name) for name, _ in rows)
    for name, shown in rows:
        print(f"  {name:{width}}  {shown}")
