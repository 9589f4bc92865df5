"""Draws what commands write on terminals and into pipes."""

import os
import pty
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from ocsd.cli.main import main
from ocsd.cli.talk import present
from tests.unit.cli.pictures.night import night

COMMANDS = (
    "status",
    "status starcamera thermo-03",
    "status -a",
    "why thermo-03",
    "why starcamera",
    "history --since 2025-11-22 --until 2025-11-22T08:00",
    "history --availability --since 2025-11-22 --until 2025-11-22T08:00",
    "logs -n 12",
    "logs -n 3 thermo-03",
    "check --site-file site.yaml --host one",
    "data ls",
    "data gaps",
)


@dataclass(frozen=True)
class Kind:
    """A kind of output."""

    width: int = 80
    height: int = 24
    variables: tuple[tuple[str, str], ...] = (("NO_COLOR", "1"),)
    is_terminal: bool = True


KINDS = {
    "80x24": Kind(),
    "60x24": Kind(60),
    "200x50": Kind(200, 50),
    "ascii": Kind(variables=(("NO_COLOR", "1"), ("LC_ALL", "C"))),
    "colour": Kind(variables=()),
    "pipe": Kind(variables=(), is_terminal=False),
}


def drawn(kind: Kind, commands: Sequence[str] = COMMANDS) -> dict[str, str]:
    """Return what each command writes."""
    with tempfile.TemporaryDirectory(prefix="ocsd-p-", dir="/tmp") as folder:
        base = Path(folder)
        with night(base), pytest.MonkeyPatch.context() as patch:
            _prepare(patch, base, kind)
            texts = {words: _written(patch, words.split(), kind) for words in commands}
    # As long as the name that was made up, so that lines break where they did.
    return {words: text.replace(base.name, "ocsd-p-pictures") for words, text in texts.items()}


def _prepare(patch: pytest.MonkeyPatch, base: Path, kind: Kind) -> None:
    for name in os.environ:
        if name.startswith(("OCS", "XDG_", "PYTHON", "LC_", "NO_COLOR")):
            patch.delenv(name)
    folders = {"RUNTIME_DIRECTORY": "run", "STATE_DIRECTORY": "state", "XDG_CACHE_HOME": "cache"}
    for name, folder in folders.items():
        patch.setenv(name, str(base / folder))
    for name, value in kind.variables:
        patch.setenv(name, value)
    patch.setenv("TERM", "xterm")
    patch.setenv("COLUMNS", str(kind.width))
    patch.setenv("LINES", str(kind.height))
    patch.chdir(base)


def _written(patch: pytest.MonkeyPatch, words: list[str], kind: Kind) -> str:
    reader, writer = pty.openpty() if kind.is_terminal else os.pipe()
    blocks: list[bytes] = []
    reading = threading.Thread(target=_read, args=(reader, blocks))
    reading.start()
    with os.fdopen(writer, "w", encoding="utf-8") as stream, patch.context() as inner:
        inner.setattr(sys, "stdout", stream)
        inner.setattr(sys, "stderr", stream)
        present.status.cache_clear()  # as in a process of its own
        main(words)
    reading.join()
    os.close(reader)
    return b"".join(blocks).decode().replace("\r\n", "\n")


def _read(reader: int, blocks: list[bytes]) -> None:
    try:
        while block := os.read(reader, 1 << 16):
            blocks.append(block)
    except OSError:
        pass  # So the end of a pseudo-terminal looks on Linux.


def album(pictures: dict[str, str]) -> str:
    """Return pictures as one text, each below its command."""
    return "\n".join(f"$ ocsd {words}\n{text}" for words, text in pictures.items())
