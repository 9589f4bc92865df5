"""Files that are removed are restored, and no instance is blamed meanwhile."""

import pytest
from twisted.internet.task import Clock

from ocsd.daemon.watching.lost_files import RUNTIME_FILES_CHECK_S, LostFiles


@pytest.fixture
def world(tmp_path):
    return World(tmp_path / "run")


class World:
    """A folder with one file in it."""

    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "notify.sock"
        self.clock = Clock()
        self.excused = 0
        self.notes = []
        self.make_folders()
        self.file.touch()
        files = LostFiles(self.make_folders, self.excuse, self.notes.append, self.clock)
        files.keep(self.file, self.file.touch)
        files.start()

    def make_folders(self):
        self.folder.mkdir(exist_ok=True)

    def excuse(self):
        self.excused += 1


def test_as_long_as_all_is_there_nothing_is_done(world):
    before = world.file.stat().st_mtime_ns
    world.clock.pump([RUNTIME_FILES_CHECK_S] * 3)
    assert (world.excused, world.notes, world.file.stat().st_mtime_ns) == (0, [], before)


def test_a_folder_that_was_removed_is_there_again_after_two_seconds(world):
    world.file.unlink()
    world.folder.rmdir()
    world.clock.advance(RUNTIME_FILES_CHECK_S)
    assert world.file.exists()
    assert world.excused == 1
    assert world.notes == [f"{world.file} removed by another program; restored"]
    world.clock.pump([RUNTIME_FILES_CHECK_S] * 3)
    assert (world.excused, len(world.notes)) == (1, 1)


def test_what_lies_there_instead_is_replaced(world):
    other = world.folder / "other"
    other.touch()
    other.replace(world.file)
    world.clock.advance(RUNTIME_FILES_CHECK_S)
    assert world.notes == [f"{world.file} removed by another program; restored"]


def test_it_goes_on_trying_says_so_once_and_excuses_everyone_meanwhile(world):
    world.file.unlink()
    world.folder.rmdir()
    world.folder.touch()  # in the way of the folder
    world.clock.pump([RUNTIME_FILES_CHECK_S] * 3)
    assert world.excused == 3
    assert [note.split(";")[1].split(":")[0] for note in world.notes] == [" cannot be restored"]
    world.folder.unlink()
    world.clock.advance(RUNTIME_FILES_CHECK_S)
    assert world.file.exists()
    assert len(world.notes) == 2
