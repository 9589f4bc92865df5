"""Guesses from the text of a site file whether a host runs an open router, and how many agents.

Both take long to get ready for. So this is asked before what can read the file is loaded; a wrong
guess costs nothing but time. Only the usual way to write a file, a key a line, is understood.
"""

import os
import re
import socket
from collections.abc import Collection, Iterator, Set
from pathlib import Path
from typing import Final

SYSTEM_FOLDER: Final = Path("/etc/ocsd")
DEFAULT_SITE: Final = "default"
_LONGEST_BYTES: Final = 2**20
_KEY: Final = re.compile(r"""( *)["']?([^\s"'#:-][^\s"':]*)["']?\s*:(?:\s|$)""")
_AGENT: Final = re.compile(r"""\bagent-class["']?\s*:""")
_GUARDED: Final = re.compile(r"^\s*(access\s*:\s*['\"]?closed|wamp_tls\s*:)", re.MULTILINE)


def folders() -> list[Path]:
    """Return the folders in which a site file is looked for."""
    found = [Path("site-configs"), SYSTEM_FOLDER]
    configured = os.environ.get("OCS_CONFIG_DIR")
    if configured:
        found.insert(0, Path(configured).expanduser())
    return found


def text_of(site_file: str | None) -> str:
    """Return the text of the site file that will be read; empty if it cannot be read twice."""
    usual = [folder / f"{DEFAULT_SITE}.yaml" for folder in folders()]
    for path in [Path(site_file).expanduser()] if site_file else usual:
        if not path.is_file():  # a pipe would be empty for who reads it next
            continue
        try:
            with path.open("rb") as file:
                return file.read(_LONGEST_BYTES).decode(errors="replace")
        except OSError:
            continue
    return ""


def names_of_this_machine() -> set[str]:
    """Return the names of the host entries that may be this machine's."""
    name = socket.gethostname()
    return {name, name.partition(".")[0], "localhost"}


def runs_open_router(text: str, hosts: Collection[str]) -> bool:
    """Whether one of the `hosts` has the key ``crossbar``, and nobody has to log in."""
    if _GUARDED.search(text):
        return False
    return any(
        path[:1] == ["hosts"] and path[2:] == ["crossbar"] and path[1] in hosts
        for path, _ in _lines(text)
    )


def agents_of(text: str, hosts: Set[str]) -> int:
    """Count the agents of the `hosts`; 0 if people have to log in.

    There, the fork server first loads a router, which is not guessed.
    """
    if _GUARDED.search(text):
        return 0
    return sum(
        len(_AGENT.findall(line))
        for path, line in _lines(text)
        if path[:1] == ["hosts"] and hosts & set(path[1:2])
    )


def _lines(text: str) -> Iterator[tuple[list[str], str]]:
    """Yield each line, but no comment, with the keys that lead to it, and its own if it has one."""
    above: list[tuple[int, str]] = []
    for line in text.splitlines():
        if found := _KEY.match(line):
            indent = len(found[1])
            above = [(column, key) for column, key in above if column < indent]
            above.append((indent, found[2]))
        if not line.lstrip().startswith("#"):
            yield [key for _, key in above], line
