"""Only one is singular."""

from ocsd.text.plural import plural


def test_a_number_has_its_noun():
    assert [plural(number, "file") for number in (0, 1, 2)] == ["0 files", "1 file", "2 files"]
