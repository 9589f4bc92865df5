"""Each terminal shows 52 instances as the pictures beside this file have them."""

import functools
import re
from pathlib import Path

import pytest

from tests.unit.cli.pictures import draw
from tests.unit.cli.pictures.draw import KINDS

HERE = Path(__file__).parent
AGAIN = "draw them again and look at each: python -m tests.unit.cli.pictures"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@functools.cache
def drawn(name):
    return draw.drawn(KINDS[name])


@pytest.mark.parametrize("name", [name for name in KINDS if name != "colour"])
def test_the_pictures_are_what_the_commands_write(name):
    assert (HERE / f"{name}.txt").read_text() == draw.album(drawn(name)), AGAIN


@pytest.mark.parametrize("name", ["80x24", "60x24", "200x50", "ascii", "colour"])
def test_no_line_is_wider_than_the_terminal(name):
    width = KINDS[name].width
    for words, text in drawn(name).items():
        if words.startswith("logs"):
            continue  # as it was written
        own = re.split(r"\n *last lines of", text)[0]
        for line in COLOUR.sub("", own).split("\n"):
            assert len(line) <= width or len(line.split()) == 1, (words, line)


@pytest.mark.parametrize("name", ["80x24", "60x24", "200x50", "ascii", "colour"])
def test_the_status_leaves_room_for_the_prompt(name):
    assert drawn(name)["status"].count("\n") < KINDS[name].height


def test_colours_change_no_word_and_are_for_terminals_only():
    coloured = {words: COLOUR.sub("", text) for words, text in drawn("colour").items()}
    assert coloured == drawn("80x24")
    assert coloured != drawn("colour")
    for name in ("80x24", "ascii", "pipe"):
        assert "\x1b" not in "".join(drawn(name).values())


def test_a_terminal_without_unicode_gets_ascii():
    assert "".join(drawn("ascii").values()).isascii()


def test_a_pipe_gets_every_instance_and_whole_reasons():
    lines = drawn("pipe")["status"].split("\n")
    assert sum(line.startswith("thermo-") for line in lines) == 48
    [broken] = [line for line in lines if line.startswith("thermo-03")]
    assert broken.endswith("(drivers.py line 31); next try in 38.0 s")
    assert drawn("pipe")["data ls"].count("observatory.thermo-") == 48
