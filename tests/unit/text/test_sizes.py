"""A size is read with or without a unit."""

import pytest

from ocsd.text.sizes import parse_size


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("4096", 4096),
        (" 1.5 KiB ", 1536),
        ("500m", 500 * 2**20),
        ("64MB", 64 * 2**20),
        ("2G", 2**31),
    ],
)
def test_a_size_is_read(text, size_bytes):
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "M", "-1", "5T", "1e3", "much", "1 2", "1M\n1"])
def test_other_text_is_refused(text):
    assert parse_size(text) is None
