"""A fork server knows when its libraries are no longer those on the disk."""

import os
import pwd
from types import ModuleType

import pytest

from ocsd.forkserver.warmth.loaded import LoadedCode


def module(path):
    made = ModuleType("made")
    made.__file__ = str(path)
    return made


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "packages").mkdir()
    os.utime(tmp_path / "packages", (1, 1))
    for name in ("ocsd", "packages/library", "checkout"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "code.py").write_text("")
        os.utime(tmp_path / name, (1, 1))
        os.utime(tmp_path / name / "code.py", (1, 1))
    return tmp_path


@pytest.fixture
def loaded(tree):
    modules = [module(tree / name / "code.py") for name in ("ocsd", "packages/library", "checkout")]
    modules += [None, ModuleType("built_in")]
    return LoadedCode(modules, str(tree / "ocsd"), [str(tree / "packages")])


def test_what_was_not_touched_is_up_to_date(loaded):
    assert loaded.changed() is None


def test_an_upgrade_of_a_library_is_noticed_by_its_folder(tree, loaded):
    (tree / "packages" / "library" / "code.py").unlink()
    assert loaded.changed() == str(tree / "packages" / "library")


def test_an_edit_of_ocsd_itself_is_noticed_in_place(tree, loaded):
    os.utime(tree / "ocsd" / "code.py", (2, 2))
    assert loaded.changed() == str(tree / "ocsd" / "code.py")


def test_an_edit_of_ocsds_list_of_agents_is_noticed_in_place_where_it_is_installed(tree):
    plugin = tree / "packages" / "ocsd_agents" / "plugin.py"
    plugin.parent.mkdir()
    plugin.write_text("")
    own, packages = str(tree / "packages" / "ocsd"), [str(tree / "packages")]
    loaded = LoadedCode([module(plugin)], own, packages)
    assert loaded.changed() is None

    os.utime(plugin, (2, 2))
    assert loaded.changed() == str(plugin)


def test_an_edit_of_an_installed_package_in_place_costs_no_look_at_each_file(tree, loaded):
    os.utime(tree / "packages" / "library" / "code.py", (2, 2))
    assert loaded.changed() is None


def test_an_edit_of_an_editable_install_is_noticed_in_place(tree, loaded):
    os.utime(tree / "checkout" / "code.py", (2, 2))
    assert loaded.changed() == str(tree / "checkout" / "code.py")


def test_an_installation_is_noticed_even_if_nothing_was_loaded_from_its_folder(tree, loaded):
    (tree / "packages" / "__editable__.lab.pth").touch()
    assert loaded.changed() == str(tree / "packages")


def test_a_folder_that_is_gone_counts_as_changed(tree, loaded):
    (tree / "checkout" / "code.py").unlink()
    (tree / "checkout").rmdir()
    assert loaded.changed() == str(tree / "checkout")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_what_another_user_may_not_see_has_not_changed(tree, loaded):
    tree.chmod(0o700)
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        assert loaded.changed() is None
    finally:
        os.seteuid(0)
