"""An agent notices that its code on the disk is no longer the code that it runs."""

import importlib
import os
import sys

import pytest

from ocsd.agent.wellbeing.own_code import OwnCode


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A package `own_code_lab` beside a library, neither of them loaded."""
    package = tmp_path / "own_code_lab"
    package.mkdir()
    for path in (package / "__init__.py", package / "agent.py", package / "driver.py"):
        path.touch()
    (tmp_path / "own_code_library.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    yield package
    for name in list(sys.modules):
        if name.startswith("own_code_"):
            del sys.modules[name]


@pytest.fixture
def own(lab):
    own = OwnCode(lambda: str(lab / "agent.py"))
    own.begin()
    importlib.import_module("own_code_lab.agent")
    own.check()
    return own


def write(path):
    """Write a file later than before, however coarse the clock of the disk is."""
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000_000))


def changed(own):
    own.check()
    return own.changed


def test_nothing_has_changed_at_first(own):
    assert changed(own) == ""


def test_a_module_that_was_written_is_named_until_it_is_as_before(own, lab):
    before_ns = (lab / "agent.py").stat().st_mtime_ns
    write(lab / "agent.py")
    assert changed(own) == str(lab / "agent.py")
    os.utime(lab / "agent.py", ns=(0, before_ns))
    assert changed(own) == ""


def test_a_package_that_was_removed_is_named(own, lab):
    (lab / "__init__.py").unlink()
    assert changed(own) == str(lab / "__init__.py")


def test_a_module_counts_from_when_it_is_loaded(own, lab):
    write(lab / "driver.py")
    assert changed(own) == ""
    importlib.import_module("own_code_lab.driver")
    assert changed(own) == ""
    write(lab / "driver.py")
    assert changed(own) == str(lab / "driver.py")


def test_libraries_elsewhere_do_not_count(own, lab):
    importlib.import_module("own_code_library")
    assert changed(own) == ""
    write(lab.parent / "own_code_library.py")
    assert changed(own) == ""


def test_modules_from_before_do_not_count(lab):
    importlib.import_module("own_code_lab.driver")
    own = OwnCode(lambda: str(lab / "agent.py"))
    own.begin()
    own.check()
    write(lab / "driver.py")
    assert changed(own) == ""


def test_nothing_counts_while_the_place_of_the_code_is_not_known(lab):
    place = [""]
    own = OwnCode(lambda: place[0])
    own.begin()
    importlib.import_module("own_code_lab.agent")
    assert changed(own) == ""
    place[0] = str(lab / "agent.py")
    own.check()
    write(lab / "agent.py")
    assert changed(own) == str(lab / "agent.py")
