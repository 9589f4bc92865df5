"""A copy of a data folder is complete and right, whatever happens while it is made."""

import errno
import fcntl
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from ocsd.data.folder import DataFolder
from ocsd.data.folders import sync as syncing
from ocsd.data.folders.sync import SHORTEST_AGE_S, Sync
from ocsd.errors import OutputFileError
from tests.unit.aggregator.rig import Clock, Recording
from tests.unit.data.recorded import OPENED, every, samples, sound

DAY_S = 86400.0
NOW_AT = OPENED + 40 * DAY_S


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "data"
    path.mkdir()
    for day in range(3):
        aged(
            sound(
                path, samples(every(1, 50, OPENED + day * DAY_S)), opened=int(OPENED + day * DAY_S)
            )
        )
    return path


@pytest.fixture
def copy(tmp_path):
    return tmp_path / "archive" / "lab"


def aged(path):
    """Date a file as if it had been written when it was opened."""
    at = int(path.stem)
    os.utime(path, (at, at))
    return path


def sync(source, copy, **more):
    folder = DataFolder(source, lambda: NOW_AT)
    return Sync(folder, copy, clock=lambda: NOW_AT, **more).run()


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.glob("[0-9]*/*"))
        if path.is_file()
    }


def test_all_closed_files_are_there_and_a_second_sync_copies_none(source, copy):
    (source / "17953" / f"{OPENED}.g3.torn").write_bytes(b"half a frame")
    quarantine = source / "ocsd" / "quarantine"
    quarantine.mkdir(parents=True)
    (quarantine / "2026-11-22.jsonl").write_text("{}\n")
    first = sync(source, copy)
    assert len(first.copied) == 5
    assert files(copy) == files(source)
    assert (copy / "ocsd" / "quarantine" / "2026-11-22.jsonl").read_text() == "{}\n"
    again = sync(source, copy)
    assert (again.copied, again.present) == ([], 5)


def test_the_file_that_is_being_written_is_left_for_the_next_time(source, copy):
    newest = sound(source, samples(every(1, 5, NOW_AT - 60)), opened=int(NOW_AT - 60))
    report = sync(source, copy)
    assert report.later == [str(newest.relative_to(source))]
    assert not (copy / newest.relative_to(source)).exists()


def test_a_file_that_changed_is_copied_again_and_the_former_copy_kept(source, copy):
    sync(source, copy)
    name = f"17953/{OPENED}.g3"
    before = (source / name).read_bytes()
    (source / name).write_bytes(before[:-10])
    report = sync(source, copy)
    assert (report.copied, report.replaced) == ([name], [name])
    assert (copy / name).read_bytes() == before[:-10]
    assert (copy / f"{name}.replaced").read_bytes() == before


def test_a_file_that_changes_while_it_is_copied_is_left_for_the_next_time(
    source, copy, monkeypatch
):
    name = f"17953/{OPENED}.g3"
    copied = syncing._copied

    def growing(path, part):
        checksum = copied(path, part)
        if path.name == f"{OPENED}.g3":
            with path.open("ab") as file:
                file.write(b"more")
        return checksum

    monkeypatch.setattr(syncing, "_copied", growing)
    report = sync(source, copy)
    assert report.later == [name]
    assert name not in files(copy)
    assert not list(copy.glob("*/.*.part"))


def test_a_copy_that_is_read_back_with_another_checksum_never_gets_its_name(
    source, copy, monkeypatch
):
    monkeypatch.setattr(syncing, "digest", lambda _path: "0" * 64)
    with pytest.raises(OutputFileError, match="read back with another checksum"):
        sync(source, copy)
    assert files(copy) == {}


def test_a_copy_that_was_damaged_since_is_found_by_verify_and_made_again(source, copy):
    sync(source, copy)
    name = f"17953/{OPENED}.g3"
    damaged = bytearray((copy / name).read_bytes())
    damaged[100] ^= 1
    (copy / name).write_bytes(damaged)
    assert sync(source, copy).copied == []  # size and record are the same
    assert sync(source, copy, verify=True).copied == [name]
    assert files(copy)[name] == files(source)[name]


def test_two_syncs_at_once_do_not_write_to_one_copy(source, copy):
    sync(source, copy)
    with (copy / "ocsd" / "sync" / "lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(OutputFileError, match="another sync"):
            sync(source, copy)


def test_the_files_of_two_folders_never_get_into_one_copy(source, copy, tmp_path):
    sync(source, copy)
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(OutputFileError, match=r"is the copy of .*data, not of .*other"):
        sync(other, copy)
    with pytest.raises(OutputFileError, match="is the data folder itself"):
        sync(source, source)


def test_a_full_disk_is_told_and_the_next_sync_goes_on(source, copy, monkeypatch):
    written = syncing._written
    room = ["for one file"]

    def full(part):
        if not room:
            raise syncing._unwritten(part, OSError(28, os.strerror(28)))
        room.pop()
        return written(part)

    monkeypatch.setattr(syncing, "_written", full)
    with pytest.raises(OutputFileError, match="No space left on device; make room there"):
        sync(source, copy)
    assert len(files(copy)) == 1
    monkeypatch.undo()
    assert len(sync(source, copy).copied) == 2
    assert files(copy) == files(source)


def test_nothing_is_deleted_before_it_is_old_and_the_same_on_both_sides(source, copy):
    young = aged(sound(source, samples(every(1, 5, NOW_AT - DAY_S)), opened=int(NOW_AT - DAY_S)))
    sync(source, copy)
    name = f"17953/{OPENED}.g3"
    damaged = bytearray((copy / name).read_bytes())
    damaged[100] ^= 1
    (copy / name).write_bytes(damaged)
    report = sync(source, copy, delete_after_s=7 * DAY_S)
    assert report.kept == {name: "source and copy were read again and are not the same"}
    assert len(report.deleted) == 2
    assert {path.name for path in DataFolder(source).files()} == {f"{OPENED}.g3", young.name}
    assert len(files(copy)) == 4
    assert sync(source, copy, delete_after_s=7 * DAY_S, verify=True).deleted == [name]


def test_a_file_that_cannot_be_deleted_is_told_as_such(source, copy, monkeypatch):
    sync(source, copy)

    def refuse(path):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)

    monkeypatch.setattr(Path, "unlink", refuse)
    report = sync(source, copy, delete_after_s=7 * DAY_S)
    assert report.deleted == []
    assert set(report.kept.values()) == {"it cannot be deleted: Permission denied"}


def test_files_of_the_last_hours_are_never_deleted(source, copy):
    at = NOW_AT - SHORTEST_AGE_S + 60
    aged(sound(source, samples(every(1, 5, at)), opened=int(at)))
    report = sync(source, copy, delete_after_s=0.0)
    assert str(int(at)) not in str(report.deleted)


def test_a_file_that_the_journal_knows_is_not_deleted(tmp_path, copy):
    rig = Recording(tmp_path / "data", time_per_file_s=600.0, clock=Clock())
    rig.start()
    for number in range(700):
        rig.send(
            [rig.clock.at], seq=number, value=[number], info={"agg_params": {"frame_length": 5}}
        )
        rig.run(1)
    for path in rig.files():
        aged(path)
    later_at = rig.clock.at + 30 * DAY_S
    folder = DataFolder(rig.folder, lambda: later_at)
    report = Sync(folder, copy, clock=lambda: later_at, delete_after_s=DAY_S).run()
    assert report.copied
    assert report.deleted == []
    assert "the journal of the aggregator still has its data" in report.kept.values()


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_copied(source, copy):
    broken = source / "17953" / f"{OPENED + 5}.g3"
    broken.symlink_to("/nowhere.g3")
    report = sync(source, copy)
    assert "which is not there" in report.problems[f"17953/{OPENED + 5}.g3"]
    assert len(report.copied) == 3


def slowly(source, copy):
    """Copy so slowly that a kill meets every step."""
    for name in ("_copied", "synced", "digest"):
        step = getattr(syncing, name)
        setattr(syncing, name, lambda *args, step=step: (time.sleep(0.003), step(*args))[1])
    sync(source, copy)


@pytest.mark.parametrize("seed", range(8))
def test_a_sync_that_is_killed_anywhere_is_finished_by_the_next_one(source, copy, seed):
    context = multiprocessing.get_context("fork")
    process = context.Process(target=slowly, args=(source, copy))
    process.start()
    time.sleep(0.004 * seed + 0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    expected = files(source)
    # Whatever has a name of data is whole.
    if copy.exists():
        there = {name: found for name, found in files(copy).items() if not name.endswith(".part")}
        assert all(expected[name] == found for name, found in there.items())
    sync(source, copy)
    assert {n: f for n, f in files(copy).items() if not n.endswith(".part")} == expected
    assert sync(source, copy).present == 3
