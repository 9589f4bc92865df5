"""A file is replaced as a whole, or left as it was; the end of a file is read."""

from contextlib import suppress
from threading import Thread

import pytest

from ocsd.system import files
from tests.unit.shortages import no_file_larger_than


def names(folder):
    return [each.name for each in folder.iterdir()]


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_replaced(tmp_path, durable):
    files.replace(tmp_path / "a", b"old", durable)
    files.replace(tmp_path / "a", b"new", durable)
    assert (tmp_path / "a").read_bytes() == b"new"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize("durable", [False, True])
def test_a_full_disk_leaves_the_file_as_it_was(tmp_path, durable):
    files.replace(tmp_path / "a", b"old")
    with no_file_larger_than(10), pytest.raises(OSError, match="File too large"):
        files.replace(tmp_path / "a", b"new" * 100, durable)
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_an_interrupted_writer_leaves_nothing_behind(tmp_path):
    with suppress(KeyboardInterrupt), files.replacing(tmp_path / "a") as unfinished:
        unfinished.write_text("half")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_two_threads_that_replace_a_shared_file_at_once_do_not_disturb_each_other(tmp_path):
    def replace_by(text):
        with files.replacing(tmp_path / "a", shared=True) as unfinished:
            unfinished.write_text(text)

    with files.replacing(tmp_path / "a", shared=True) as unfinished:
        unfinished.write_text("first")
        other = Thread(target=replace_by, args=["second"])
        other.start()
        other.join()
        assert (tmp_path / "a").read_text() == "second"
    assert (tmp_path / "a").read_text() == "first"
    assert names(tmp_path) == ["a"]


@pytest.mark.parametrize(
    ("most_bytes", "begin", "end"),
    [(100, 0, b"0123456789"), (3, 0, b"789"), (3, 5, b"789"), (100, 5, b"56789"), (3, 11, b"789")],
)
def test_the_end_of_a_file(tmp_path, most_bytes, begin, end):
    """A file shorter than `begin` was emptied since, and is read from its start."""
    (tmp_path / "a").write_bytes(b"0123456789")
    with (tmp_path / "a").open("rb") as file:
        assert files.tail(file, most_bytes, begin) == end
