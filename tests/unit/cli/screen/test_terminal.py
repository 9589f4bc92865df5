"""The abilities of a terminal."""

import pytest

from ocsd.cli.screen import terminal
from ocsd.cli.screen.terminal import Terminal, in_place


@pytest.mark.parametrize(
    ("columns", "lines", "size"),
    [("132", "50", (132, 50)), ("", "", (80, 24)), ("0", "-3", (80, 24)), ("wide", "x", (80, 24))],
)
def test_the_environment_may_give_the_size(monkeypatch, columns, lines, size):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", lines)
    monkeypatch.setattr("os.get_terminal_size", lambda _: (0, 0))
    screen = terminal.of_output()
    assert (screen.width_columns, screen.height_lines) == size


def test_a_picture_in_place_leaves_nothing_of_the_one_before():
    screen = Terminal(True, True, False, 80, height_lines=3)
    assert in_place(["a", "b", "c"], screen) == "\x1b[Ha\x1b[K\nb\x1b[K\n\x1b[J"


def test_short_commands_load_no_library_that_they_do_not_need():
    import subprocess
    import sys

    code = (
        "import sys, ocsd.cli.commands.look.status\n"
        "heavy = {'lzma', 'shutil', 'subprocess', 'pydantic', 'yaml', 'http.client'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-P", "-c", code], check=True)
