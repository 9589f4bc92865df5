"""A fork server knows when its libraries are no longer those on the disk."""

import os
from types import ModuleType

import pytest

from ocsd.forkserver.loaded import LoadedCode


def module(path):
    made = ModuleType("made")
    made.__file__ = str(path)
    return made


@pytest.fixture
def tree(tmp_path):
    for name in ("ocsd", "library"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "code.py").write_text("")
        os.utime(tmp_path / name, (1, 1))
        os.utime(tmp_path / name / "code.py", (1, 1))
    return tmp_path


@pytest.fixture
def loaded(tree):
    modules = [module(tree / name / "code.py") for name in ("ocsd", "library")]
    return LoadedCode([*modules, None, ModuleType("built_in")], str(tree / "ocsd"))


def test_what_was_not_touched_is_up_to_date(loaded):
    assert loaded.changed() is None


def test_an_upgrade_of_a_library_is_noticed_by_its_folder(tree, loaded):
    (tree / "library" / "code.py").unlink()
    assert loaded.changed() == str(tree / "library")


def test_an_edit_of_ocsd_itself_is_noticed_in_place(tree, loaded):
    os.utime(tree / "ocsd" / "code.py", (2, 2))
    assert loaded.changed() == str(tree / "ocsd" / "code.py")


def test_a_folder_that_is_gone_counts_as_changed(tree, loaded):
    (tree / "library" / "code.py").unlink()
    (tree / "library").rmdir()
    assert loaded.changed() == str(tree / "library")
