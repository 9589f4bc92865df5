"""docs/wrong/index.md shows what ocsd prints."""

import re

import pytest

from tests.unit.docs.shown import ROOT, texts, unknown

PAGE = (ROOT / "docs" / "wrong" / "index.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| symptom")
]
OUTPUTS = [
    row[1].strip("`")
    for row in ROWS
    if len(row) == 4 and row[1].startswith("`") and not re.match(r"`(ocsd|systemctl) ", row[1])
]


def test_the_page_shows_outputs():
    assert len(OUTPUTS) > 8


@pytest.mark.parametrize("shown", OUTPUTS)
def test_an_output_of_the_page_is_what_the_code_says(shown):
    assert unknown(shown, texts()) == []


def test_the_outputs_in_blocks_are_what_the_code_says():
    known = texts()
    for block in re.findall(r"```\n(.*?)```", PAGE, re.DOTALL):
        assert [each for line in block.splitlines() for each in unknown(line, known)] == []
