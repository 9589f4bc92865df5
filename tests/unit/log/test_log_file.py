"""An agent's log is limited in size and loses no line."""

import itertools
import os
import threading

import pytest

from ocsd.log.file import FLOOD_BYTES, LogFile


@pytest.fixture
def streams(tmp_path):
    """Two descriptors that append to one file, as standard output and error do."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    opened = tuple(os.open(tmp_path / "a.log", flags) for _ in range(2))
    yield opened
    for each in opened:
        os.close(each)


def lines(folder):
    """Return the lines of all files, the oldest first."""
    files = sorted(folder.iterdir(), key=lambda file: file.suffix, reverse=True)
    newest = [file for file in files if file.suffix == ".log"]
    return [
        line
        for file in [*(file for file in files if file not in newest), *newest]
        for line in file.read_text().splitlines()
    ]


def test_a_full_file_is_renamed_and_both_streams_get_a_new_one(tmp_path, streams):
    log = LogFile(tmp_path / "a.log", limit_bytes=10, streams=streams)
    os.write(streams[0], b"0123456789\n")
    log.rotate_if_due()
    os.write(streams[0], b"out\n")
    os.write(streams[1], b"err\n")
    assert (tmp_path / "a.log.1").read_text() == "0123456789\n"
    assert (tmp_path / "a.log").read_text() == "out\nerr\n"


def test_a_file_that_is_not_full_stays(tmp_path, streams):
    log = LogFile(tmp_path / "a.log", limit_bytes=100, streams=streams)
    os.write(streams[0], b"0123456789\n")
    log.rotate_if_due()
    assert [file.name for file in tmp_path.iterdir()] == ["a.log"]


def test_only_so_many_older_files_are_kept(tmp_path, streams):
    log = LogFile(tmp_path / "a.log", limit_bytes=1, older_files=2, streams=streams)
    for number in range(5):
        os.write(streams[0], f"{number}\n".encode())
        log.rotate_if_due()
    assert lines(tmp_path) == ["3", "4"]


@pytest.mark.parametrize("what", ["renamed", "removed"])
def test_a_file_that_another_program_takes_away_is_begun_anew(tmp_path, streams, what):
    log = LogFile(tmp_path / "a.log", streams=streams)
    os.write(streams[0], b"before\n")
    if what == "renamed":
        (tmp_path / "a.log").rename(tmp_path / "a.log.old")
    else:
        (tmp_path / "a.log").unlink()
    log.rotate_if_due()
    os.write(streams[1], b"after\n")
    assert (tmp_path / "a.log").read_text() == "after\n"


def test_no_line_is_lost_while_threads_write(tmp_path, streams):
    log = LogFile(tmp_path / "a.log", limit_bytes=500, older_files=1000, streams=streams)
    enough, written = threading.Event(), []

    def write(stream, mark):
        for number in itertools.count():
            os.write(stream, f"{mark}{number}\n".encode())
            if enough.is_set():
                written.extend(f"{mark}{each}" for each in range(number + 1))
                return

    writers = [
        threading.Thread(target=write, args=(stream, mark))
        for stream, mark in zip(streams, "oe", strict=True)
    ]
    for writer in writers:
        writer.start()
    while len(list(tmp_path.iterdir())) < 5:
        log.rotate_if_due()
    enough.set()
    for writer in writers:
        writer.join()
    kept = [line for file in tmp_path.iterdir() for line in file.read_text().splitlines()]
    assert sorted(kept) == sorted(written)


def test_a_folder_that_is_gone_leaves_the_streams_as_they_are(tmp_path, streams):
    log = LogFile(tmp_path / "gone" / "a.log", streams=streams)
    log.rotate_if_due()
    os.write(streams[0], b"still here\n")
    assert (tmp_path / "a.log").read_text() == "still here\n"


def test_a_log_that_floods_is_checked_again_soon(tmp_path, streams, monkeypatch):
    hurried = []
    monkeypatch.setattr("ocsd.log.file.LOOKOUT.hurry", lambda: hurried.append(1))
    log = LogFile(tmp_path / "a.log", streams=streams)
    os.truncate(tmp_path / "a.log", FLOOD_BYTES)
    log.rotate_if_due()
    assert not hurried
    os.truncate(tmp_path / "a.log", 3 * FLOOD_BYTES)
    log.rotate_if_due()
    log.rotate_if_due()
    assert hurried == [1]
