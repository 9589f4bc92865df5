from pathlib import Path

from tests.architecture.measures.source import Place, module_name, read
from tests.architecture.planted import source


def _write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_a_place_is_printed_as_editors_follow_it():
    assert str(source("").place(3, "two\n   words")) == "ocsd/part.py:3: two words"
    assert Place("b.py", 1, "") > Place("a.py", 2, "")


def test_a_module_is_named_by_its_packages(tmp_path):
    for package in ("ocsd", "ocsd/room", "agents"):
        _write(tmp_path / package / "__init__.py")
    assert module_name(tmp_path, tmp_path / "ocsd/room/part.py") == "ocsd.room.part"
    assert module_name(tmp_path, tmp_path / "ocsd/room/__init__.py") == "ocsd.room"
    assert module_name(tmp_path, tmp_path / "agents/plugin.py") == "ocsd_agents.plugin"


def test_a_file_in_a_plain_folder_is_a_module_of_its_own(tmp_path):
    _write(tmp_path / "ocsd/__init__.py")
    assert module_name(tmp_path, tmp_path / "ocsd/path/ocs.py") == "ocs"


def test_all_files_below_a_folder_are_read(tmp_path):
    _write(tmp_path / "ocsd/__init__.py", "A = 1\n")
    _write(tmp_path / "ocsd/room/part.py", "B = 2\nC = 3\n")
    _write(tmp_path / "ocsd/page.md", "no code")
    found = read(tmp_path, ["ocsd"])
    assert [each.path for each in found] == ["ocsd/__init__.py", "ocsd/room/part.py"]
    assert [each.lines for each in found] == [1, 2]


def test_definitions_are_found_at_any_depth():
    found = source(
        """
        class Outer:
            class Inner:
                async def wait(self):
                    def later(): ...
        """
    )
    assert [each.name for each in found.classes] == ["Outer", "Inner"]
    assert [each.name for each in found.functions] == ["wait", "later"]
