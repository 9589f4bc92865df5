"""The files that `ocsd run --reload` watches, and the changes that count as a save."""

import os
import time

import pytest

from ocsd.cli.rerun import SavedFiles


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "agent.py"
    path.write_text("one\n")
    os.utime(path, ns=(0, time.time_ns() - 10**9))
    return path


def test_a_file_is_saved_when_it_changes_and_only_once(file):
    files = SavedFiles()
    assert files.add([str(file)], time.time_ns()) is None
    assert files.saved() is None
    file.write_text("two\n")
    assert files.saved() == str(file)
    assert files.saved() is None


def test_a_file_that_was_saved_while_it_was_loaded_is_noticed(file):
    before_ns = time.time_ns() - 2 * 10**9
    assert SavedFiles().add([str(file)], before_ns) == str(file)


def test_a_file_from_the_future_is_not_saved_for_ever(file):
    os.utime(file, ns=(0, time.time_ns() + 10**12))
    files = SavedFiles()
    assert files.add([str(file)], time.time_ns()) is None
    assert files.saved() is None


def test_an_editor_may_replace_a_file(file):
    files = SavedFiles()
    files.add([str(file)], time.time_ns())
    file.unlink()
    assert files.saved() is None
    file.write_text("two\n")
    assert files.saved() == str(file)


def test_it_is_empty_until_it_has_a_file(file):
    files = SavedFiles()
    assert not files
    files.add([str(file)], time.time_ns())
    assert files
