from tests.architecture.measures.folders import files_per_folder, full_folders
from tests.architecture.planted import source

_FILES = [source("", path=path) for path in ("ocsd/a.py", "ocsd/room/b.py", "ocsd/room/c.py")]


def test_files_are_counted_in_each_folder_without_those_below_it():
    assert files_per_folder(_FILES) == {"ocsd/room": 2, "ocsd": 1}


def test_a_folder_is_full_beyond_the_limit():
    assert [str(place) for place in full_folders(_FILES, 1)] == ["ocsd/room:1: 2 files"]
    assert not full_folders(_FILES, 2)
