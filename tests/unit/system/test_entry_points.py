"""Entry points are found as `importlib.metadata` finds them."""

import sys
from importlib.metadata import distributions

import pytest

from ocsd.system.entry_points import EntryPoint, entry_points

DESCRIBED = """\
# what this package offers
[console_scripts]
tool = tools.main:run

[ocs.plugins]
; two of them
lab =  lab.plugin
more = lab.more : Agents.all [heater]
no value
"""


@pytest.fixture
def install(tmp_path):
    def made(folder, file, head):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "entry_points.txt").write_text(DESCRIBED)
        (tmp_path / folder / file).write_text(head)
        return str(tmp_path)

    return made


@pytest.mark.parametrize(
    ("folder", "file"), [("lab-1.dist-info", "METADATA"), ("lab.egg-info", "PKG-INFO")]
)
def test_those_of_a_group_are_found_however_their_package_is_installed(install, folder, file):
    path = install(folder, file, "Metadata-Version: 2.1\nname: Lab-Agents\n\nName: no header\n")
    lab, more = entry_points(path, "ocs.plugins")
    assert lab == EntryPoint("Lab-Agents", "lab", "lab.plugin", path)
    assert (more.name, more.module) == ("more", "lab.more")


@pytest.mark.parametrize("head", ["", "Version: 1\n\nName: in the description\n"])
def test_what_an_interrupted_installation_left_behind_has_none(install, head):
    assert list(entry_points(install("lab.dist-info", "METADATA", head), "ocs.plugins")) == []


@pytest.mark.parametrize("place", ["none", "a-file"])
def test_a_folder_that_cannot_be_listed_has_none(tmp_path, place):
    (tmp_path / "a-file").touch()
    assert list(entry_points(str(tmp_path / place), "ocs.plugins")) == []


@pytest.mark.parametrize("group", ["console_scripts", "ocs.plugins", "pytest11"])
def test_the_packages_of_this_interpreter_have_those_that_python_finds(group):
    expected = {
        (each.name, point.name, point.value)
        for folder in sys.path
        for each in distributions(path=[folder])
        for point in each.entry_points.select(group=group)
    }
    found = {
        (point.distribution, point.name, point.value)
        for folder in sys.path
        for point in entry_points(folder, group)
    }
    assert found == expected != set()


def test_what_it_names_is_loaded():
    assert EntryPoint("", "", "json.decoder", "").load() is sys.modules["json.decoder"]
    named = EntryPoint("", "", "json.decoder:JSONDecoder.decode [fast]", "").load()
    assert named is sys.modules["json.decoder"].JSONDecoder.decode
    with pytest.raises(AttributeError, match="nothing"):
        EntryPoint("", "", "json.decoder:nothing", "").load()
