"""Files of access control that others could read or replace are refused by name."""

import multiprocessing
import os

import pytest

from ocsd.access import private_files
from ocsd.access.private_files import LARGEST_FILE_BYTES, locked, make_folder, read, write
from ocsd.errors import AccessFilesError, NotPermittedError
from tests.unit.shortages import no_file_larger_than

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "access"
    make_folder(made)
    write(made / "key", b"secret")
    return made


def test_a_file_is_private_and_read_back(folder):
    assert read(folder / "key") == b"secret"
    assert (folder / "key").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    write(folder / "key", b"new")
    assert read(folder / "key") == b"new"
    assert [each.name for each in folder.iterdir()] == ["key"]


def test_a_full_disk_leaves_the_old_file_alone(folder):
    with no_file_larger_than(10), pytest.raises(AccessFilesError, match="File too large"):
        write(folder / "key", b"x" * 100)
    assert read(folder / "key") == b"secret"
    assert [each.name for each in folder.iterdir()] == ["key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660, 0o644])
def test_a_file_that_others_may_use_is_refused_with_the_remedy(folder, mode):
    (folder / "key").chmod(mode)
    with pytest.raises(AccessFilesError, match=f"has mode {mode:04o}.*chmod 600 {folder}/key"):
        read(folder / "key")


@pytest.mark.parametrize("mode", [0o750, 0o701, 0o777])
def test_a_folder_that_others_may_use_is_refused_for_reading_and_writing(folder, mode):
    folder.chmod(mode)
    for use in (lambda: read(folder / "key"), lambda: write(folder / "key", b"")):
        with pytest.raises(AccessFilesError, match=f"{folder} has mode.*chmod 700"):
            use()
    with pytest.raises(AccessFilesError, match="chmod 700"), locked(folder):
        pass


def test_links_pipes_and_folders_are_no_files(folder, tmp_path):
    (folder / "link").symlink_to(folder / "key")
    (folder / "dangling").symlink_to(folder / "nothing")
    (folder / "inner").mkdir(mode=0o700)
    os.mkfifo(folder / "pipe", 0o600)
    for name, words in {
        "link": "is a symbolic link",
        "dangling": "is a symbolic link",
        "inner": "is not a file|Is a directory",
        "pipe": "is not a file",
    }.items():
        with pytest.raises(AccessFilesError, match=words):
            read(folder / name)
    (tmp_path / "other").symlink_to(folder)
    with pytest.raises(AccessFilesError, match="is not a folder"):
        read(tmp_path / "other" / "key")


def test_writing_over_a_link_leaves_its_target_alone(folder, tmp_path):
    (tmp_path / "target").write_bytes(b"old")
    (folder / "link").symlink_to(tmp_path / "target")
    write(folder / "link", b"new")
    assert (tmp_path / "target").read_bytes() == b"old"
    assert read(folder / "link") == b"new"


def test_a_missing_or_vast_file_is_refused(folder):
    with pytest.raises(AccessFilesError, match=f"there is no {folder}/nothing"):
        read(folder / "nothing")
    write(folder / "vast", b"x" * (LARGEST_FILE_BYTES + 1))
    with pytest.raises(AccessFilesError, match="is larger than"):
        read(folder / "vast")
    with pytest.raises(AccessFilesError, match="there is no"):
        read(folder / "nowhere" / "key")


@as_root
def test_a_file_or_folder_of_another_user_is_refused(folder):
    os.chown(folder / "key", 12345, 12345)
    with pytest.raises(AccessFilesError, match="key belongs to user 12345"):
        read(folder / "key")
    os.chown(folder, 12345, 12345)
    with pytest.raises(AccessFilesError, match="access belongs to user 12345"):
        read(folder / "key")


@as_root
def test_root_gives_what_it_makes_to_the_user_of_the_daemon(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    os.chown(state, 12345, 12345)
    make_folder(state / "access")
    write(state / "access" / "key", b"secret")
    with locked(state / "access"):
        pass
    owners = {path.stat().st_uid for path in (state / "access").rglob("*")}
    assert owners == {12345}
    assert read(state / "access" / "key") == b"secret"


def test_another_user_is_told_to_be_the_right_one(folder, monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refused)
    with pytest.raises(NotPermittedError, match="be the user of the daemon, or use sudo"):
        read(folder / "key")


def _count(folder, times):
    for _ in range(times):
        with locked(folder):
            write(folder / "count", str(int(read(folder / "count")) + 1).encode())


def test_two_processes_that_write_at_once_take_turns(folder):
    write(folder / "count", b"0")
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_count, args=(folder, 20)) for _ in range(2)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    assert read(folder / "count") == b"40"
    assert {each.name for each in folder.iterdir()} == {"count", "key", private_files.LOCK_FILE}
