"""The commands that run for people on other hosts."""

from types import SimpleNamespace

import pytest

from ocsd.cli.screen import terminal
from ocsd.daemon.site.runs import CommandRuns, FarScreen


class Run(SimpleNamespace):
    """A command that notes whether it was ended."""

    ended = False

    def end(self):
        self.ended = True


def test_with_the_daemon_ends_what_only_looks():
    runs = CommandRuns(reactor=None, host="lab-1")
    follower, restart, left = Run(changes=False), Run(changes=True), Run(changes=False)
    runs._runs.update(a=follower, b=restart)
    runs._left.append(left)
    runs.end_what_looks()
    assert [each.ended for each in (follower, restart, left)] == [True, False, True]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"columns": 120, "lines": 40, "colour": True}, (True, True, 120, 40)),
        ({"columns": 120, "lines": 40, "colour": False}, (True, False, 120, 40)),
        ({"columns": 120, "colour": False}, (False, False, 120, 24)),  # a pipe
        ({"columns": 5, "lines": "x", "colour": "yes"}, (False, False, 80, 24)),
        ({}, (False, False, 80, 24)),
    ],
)
def test_a_command_prints_for_the_terminal_of_its_caller(monkeypatch, body, expected):
    for name, value in FarScreen.of(body).environment().items():
        monkeypatch.setenv(name, value)
    screen = terminal.of_output()
    found = screen.interactive, screen.colour, screen.width_columns, screen.height_lines
    assert found == expected
