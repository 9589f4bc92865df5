"""The difference between two versions of an entry, as `ocsd reload --dry-run` shows it."""

import pytest

from ocsd.cli.screen import change_text


@pytest.mark.parametrize(
    ("key", "old", "new", "line"),
    [
        (
            "arguments",
            ["--mode", "acq", "--rate", "4", "--pv", "a", "b"],
            ["--mode", "acq", "--rate", "8", "--pv", "a", "b"],
            "arguments: --rate 4 -> --rate 8",
        ),
        ("arguments", ["--quiet"], [], "arguments: --quiet -> (none)"),
        ("arguments", [], ["-3", "--x"], "arguments: (none) -> -3 --x"),
        ("arguments", ["--a", "--b"], ["--b", "--a"], "arguments: --a --b -> --b --a"),
        ("arguments", ["--a", "--a"], ["--a"], "arguments: --a -> (none)"),
        ("manage", "up", "down", "manage: up -> down"),
        ("memory", None, 20 * 2**20, "memory: (none) -> 20.0M"),
        ("nice", 5, None, "nice: 5 -> (none)"),
        ("agent-paths", ["/a"], ["/a", "/b"], "agent-paths: /a -> /a /b"),
    ],
)
def test_a_change_is_shown_with_its_old_and_its_new_value(key, old, new, line):
    assert list(change_text.lines({key: [old, new]})) == [line]
