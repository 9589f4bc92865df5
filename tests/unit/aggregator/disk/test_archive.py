"""The files of a data folder."""

import errno
import os
from pathlib import Path

import pytest

from ocsd.aggregator.disk.archive import G3Files, folder_trouble, path_of
from ocsd.errors import DataFolderError
from tests.unit.aggregator.rig import START, Clock, Recording


def archive(folder, clock, time_per_file_s=3600.0):
    return G3Files(folder, time_per_file_s, clock, clock.advance)


def test_a_file_is_named_by_the_second_in_which_it_is_opened(tmp_path):
    assert path_of(tmp_path, START) == tmp_path / "17953" / "1795328225.g3"


def test_two_files_of_one_second_get_two_names_and_neither_is_overwritten(tmp_path):
    clock = Clock()
    one, other = archive(tmp_path, clock), archive(tmp_path, clock)
    one.open()
    other.open()
    one.append(b"one")
    other.append(b"other")
    one.close()
    other.close()
    assert one.path.read_bytes() == b"one"
    assert other.name == "17953/1795328226.g3"
    assert clock.at == START + 0.75


def test_names_that_stay_taken_are_an_error_not_a_hang(tmp_path):
    for second in range(20):
        path = path_of(tmp_path, START + second)
        path.parent.mkdir(exist_ok=True)
        path.touch()
    with pytest.raises(DataFolderError, match="taken"):
        archive(tmp_path, Clock()).open()


def test_no_file_spans_more_than_two_hours(tmp_path):
    clock = Clock()
    files = archive(tmp_path, clock, time_per_file_s=86400)
    files.open()
    clock.advance(7199)
    assert not files.rotation_due(clock())
    clock.advance(1)
    assert files.rotation_due(clock())


@pytest.mark.parametrize("step_s", [-3600, 3600])
def test_a_stepped_wall_clock_ends_the_file(tmp_path, step_s):
    clock = Clock()
    files = archive(tmp_path, clock)
    files.open()
    clock.at += step_s
    assert files.rotation_due(clock())


def test_what_does_not_fit_whole_is_not_there_at_all(tmp_path, monkeypatch):
    files = archive(tmp_path, Clock())
    files.open()
    files.append(b"whole")
    write = os.write

    def refuse(descriptor, data):
        if len(data) == 1:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:-1])

    monkeypatch.setattr("ocsd.aggregator.disk.append_file.os.write", refuse)
    with pytest.raises(DataFolderError, match="No space left"):
        files.append(b"half")
    assert files.path.read_bytes() == b"whole"
    assert files.length == 5


@pytest.mark.parametrize("what", ["half a frame", "a frame that is not on record"])
def test_what_could_not_be_taken_back_at_once_is_not_followed_by_anything(
    tmp_path, monkeypatch, what
):
    files = archive(tmp_path, Clock())
    files.open()
    files.append(b"whole")
    with monkeypatch.context() as full:
        # Some file systems need room to truncate a file.
        full.setattr("ocsd.aggregator.disk.append_file.os.ftruncate", no_room)
        if what == "half a frame":
            full.setattr("ocsd.aggregator.disk.append_file.os.write", half_of(os.write))
        else:
            files.append(b"more")
            files.cut(5)
        with pytest.raises(DataFolderError, match="No space left"):
            files.append(b"other")
    files.append(b" and good")
    assert files.path.read_bytes() == b"whole and good"
    assert files.length == len(b"whole and good")


def no_room(*_):
    raise OSError(28, "No space left on device")


def half_of(write):
    def write_half(descriptor, data):
        return write(descriptor, data[: len(data) // 2]) if len(data) > 1 else no_room()

    return write_half


def test_a_file_that_is_discarded_does_not_stay(tmp_path):
    files = archive(tmp_path, Clock())
    files.open()
    files.discard()
    assert not files.is_open
    assert list(tmp_path.glob("*/*")) == []


def test_all_files_that_the_disk_may_not_have_are_told_once(tmp_path):
    clock = Clock()
    files = archive(tmp_path, clock)
    for _ in range(2):
        files.open()
        files.close()
    files.open()
    descriptors = files.take_unsynced()
    assert len(descriptors) == 3
    for descriptor in descriptors:
        os.close(descriptor)
    (current,) = files.take_unsynced()
    os.close(current)


def test_two_recordings_in_one_second_have_two_session_ids(tmp_path):
    one, other = Recording(tmp_path), Recording(tmp_path)
    assert one.recording_run.session_id == other.recording_run.session_id  # same instant
    other.clock.advance(0.001)
    third = type(other.recording_run).begin(other.clock())
    assert third.session_id != one.recording_run.session_id


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "make room in it"),
        (errno.EROFS, f"make it a folder that uid {os.geteuid()} can write"),
        (errno.EMFILE, "allow more open files"),
        (errno.EIO, "see to its disk"),
    ],
)
def test_each_cause_has_its_remedy(number, remedy):
    text = str(folder_trouble(Path("/data"), OSError(number, os.strerror(number))))
    assert text.startswith(f"cannot write the data folder /data: {os.strerror(number)}; {remedy}")
