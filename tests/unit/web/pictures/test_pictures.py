"""The pictures of the page in docs/pictures show the page as it is now."""

import pytest

from tests.unit.web.chromium import needs_chromium

needs_chromium()

from tests.unit.web import pictures  # noqa: E402 - after the skip

PARTS_THAT_MAY_DIFFER = 0.03
"""Share of the parts of a picture that may look different: plots move, and fonts differ."""
DIFFERENCE = 24
"""Difference of the mean colours of a part that is seen, of 255."""
STALE = f"it is stale; draw it anew and look at it: {pictures.COMMAND}"


@pytest.fixture(scope="module")
def drawn(chromium):
    return pictures.draw(chromium)


@pytest.fixture(scope="module")
def blank(chromium):
    """An empty page, in which pictures are read."""
    page = chromium.new_page()
    yield page
    page.close()


def parts(page, png):
    """Return the size of a picture, and the mean colour of each of its parts."""
    found = pictures.coarse(page, png)
    pixels = found["pixels"]
    return found["size"], [pixels[i : i + 3] for i in range(0, len(pixels), 4)]


@pytest.mark.parametrize("name", pictures.DRAWN)
def test_a_picture_shows_what_is_on_the_page_now(drawn, name):
    kept = (pictures.OUTLINES / f"{name}.txt").read_text()
    assert drawn[name].outline.splitlines() == kept.splitlines(), STALE


@pytest.mark.parametrize("name", pictures.DRAWN)
def test_a_picture_looks_like_the_page_now(drawn, blank, name):
    size, now = parts(blank, drawn[name].png)
    kept_size, kept = parts(blank, (pictures.PICTURES / f"{name}.png").read_bytes())
    assert size == kept_size, STALE
    differing = [
        one for one, other in zip(now, kept, strict=True) if _difference(one, other) > DIFFERENCE
    ]
    assert len(differing) <= PARTS_THAT_MAY_DIFFER * len(now), STALE


def _difference(one, other):
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def test_every_picture_of_the_page_is_drawn_here():
    kept = {each.stem for each in pictures.PICTURES.glob("*.png")}
    assert kept == {*pictures.DRAWN} == {each.stem for each in pictures.OUTLINES.iterdir()}


def test_only_what_time_changes_is_left_out():
    line = 'td.n "up 2 min 3 s · 1.24 %" rgb(1, 2, 3) 14px'
    assert pictures.without_time(line) == 'td.n "up # s · # %" rgb(1, 2, 3) 14px'
    assert pictures.__version__ in pictures.without_time(f'p "ocsd {pictures.__version__}" red')
