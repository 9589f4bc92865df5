"""The pictures of the documentation show what there is now."""

import re

import pytest

from tests.unit.docs.drawings import DRAWINGS, HOW, PICTURES
from tests.unit.docs.test_pages import PAGES


@pytest.mark.parametrize("name", DRAWINGS)
def test_a_drawing_is_up_to_date(name):
    assert (PICTURES / name).read_text() == DRAWINGS[name](), HOW


def test_every_picture_is_on_a_page():
    shown = {name for page in PAGES for name in re.findall(r"pictures/([\w.-]+)", page.read_text())}
    assert {file.name for file in PICTURES.iterdir()} <= shown
