"""A small file is replaced as a whole, or left as it was."""

import pytest

from ocsd.system import files
from tests.unit.shortages import no_file_larger_than


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced(tmp_path, durable):
    files.replace(tmp_path / "a", b"old", durable)
    files.replace(tmp_path / "a", b"new", durable)
    assert (tmp_path / "a").read_bytes() == b"new"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]


def test_what_cannot_be_written_leaves_all_as_it_was(tmp_path):
    files.replace(tmp_path / "a", b"old")
    with no_file_larger_than(10), pytest.raises(OSError, match="File too large"):
        files.replace(tmp_path / "a", b"new" * 100)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
