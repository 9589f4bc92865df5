"""Tables and texts on terminals that are too narrow for them."""

import pytest

from ocsd.cli.screen.table import Cell, columns, table_blocks, table_lines
from ocsd.cli.screen.wrap import below, broken
from tests.unit.cli.overview.hosts import screen

COLUMNS = columns("NAME", "SIZE", "STATE", "REASON", right=("SIZE",))
LONG = "no answer from the device for 42 s: it is stopped; kill -CONT 8913 lets it go on"
ROWS = [
    [Cell("thermo-1"), Cell("17"), Cell("up", "up"), Cell("fine")],
    [Cell("thermo-2"), Cell("4"), Cell("hung", "hung"), Cell(LONG)],
]


def test_a_reason_without_room_stands_below_its_row():
    assert table_lines(COLUMNS, ROWS, screen(50)) == [
        "NAME      SIZE  STATE  REASON",
        "thermo-1    17  up     fine",
        "thermo-2     4  hung",
        "    no answer from the device for 42 s: it is",
        "    stopped; kill -CONT 8913 lets it go on",
    ]


def test_columns_that_may_be_left_out_go_in_their_order_and_no_further_than_needed():
    short = [[*row[:3], Cell("-")] for row in ROWS]
    dropped = ("STATE", "SIZE", "NO SUCH")
    assert table_lines(COLUMNS, short, screen(28), dropped=dropped)[0] == "NAME      SIZE  REASON"
    assert table_lines(COLUMNS, short, screen(20), dropped=dropped)[0] == "NAME      REASON"
    assert table_lines(COLUMNS, short, screen(29), dropped=dropped)[0].split()[2] == "STATE"


@pytest.mark.parametrize("width", [10, 29, 60])
def test_a_pipe_gets_everything(width):
    title, blocks = table_blocks(COLUMNS, ROWS, screen(width, interactive=False), dropped=("SIZE",))
    assert title.split() == ["NAME", "SIZE", "STATE", "REASON"]
    assert [len(block) for block in blocks] == [1, 1]
    assert blocks[1][0].endswith(LONG)


def test_numbers_at_the_end_stay_in_their_row():
    last = columns("NAME", "AGE", right=("AGE",))
    assert table_lines(last, [[Cell("a" * 20), Cell("3m00s")]], screen(20))[1].endswith(" 3m00s")


def test_a_long_reason_loses_its_middle():
    lines = below(f"exit 1: {'x ' * 200}; the log has more", screen(40))
    assert len(lines) == 3
    assert lines[0].startswith("    exit 1: x x")
    assert lines[2].startswith("    … x")
    assert lines[2].endswith("; the log has more")
    assert max(map(len, lines)) <= 40
    assert below(f"exit 1: {'x ' * 200}", screen(40, unicode=False))[2].startswith("    ... x")


def test_a_line_is_broken_between_words_and_a_path_never():
    assert broken("state  up since noon", screen(12)) == ["state  up", "    since", "    noon"]
    path = "/var/lib/ocsd/one/incidents/1763793000"
    assert broken(f"see {path}", screen(20)) == ["see", f"    {path}"]
    assert broken("a b", screen(1, interactive=False)) == ["a b"]
    assert broken("one\ntwo", screen(80)) == ["one", "two"]
