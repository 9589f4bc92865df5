"""A fork server knows when its libraries are no longer those on the disk."""

import os
import pwd
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


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_what_another_user_may_not_see_has_not_changed(tree, loaded):
    tree.chmod(0o700)
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        assert loaded.changed() is None
    finally:
        os.seteuid(0)
