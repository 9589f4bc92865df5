"""A data folder, and its index."""

import gc
import json
import os

import pytest

from ocsd.data import folder as reading_folder
from ocsd.data.folder import LONGEST_WRITING_S, DataFolder, places
from ocsd.errors import NoDataError, OcsdError
from tests.unit.data.recorded import OPENED, THERMO, every, samples, sound

DAY_S = 86400


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def path(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def folder(path, now=OPENED + DAY_S):
    return DataFolder(path, lambda: now)


def file(path, opened, **more):
    return sound(path, samples(every(1, 5, opened), **more), opened=opened)


def counting(folder):
    """Count the files that are read."""
    read = []
    scan = folder._scan
    folder._scan = lambda path, *rest: read.append(path.name) or scan(path, *rest)
    return read


def test_files_come_in_the_order_of_their_times_and_others_are_left_out(path):
    # The number of digits does not count.
    for opened in (OPENED + 90_000, OPENED, 999_999_999):
        file(path, opened)
    (path / "17953" / "notes.txt").write_text("")
    (path / "17953" / f"{OPENED}.g3.torn").write_bytes(b"")
    (path / "17953" / "copy-of-1.g3").write_bytes(b"")
    (path / "ocsd").mkdir()
    assert [one.stem for one in folder(path).files()] == [
        "999999999",
        str(OPENED),
        str(OPENED + 90_000),
    ]


def test_what_repairs_have_cut_off_is_found_by_time(path):
    file(path, OPENED)
    for name, content in ((f"{OPENED}.g3.torn", b"a"), (f"{OPENED}.g3.torn2", b"bc")):
        (path / "17953" / name).write_bytes(content)
    (path / "17953" / f"{OPENED + 9000}.g3.torn").write_bytes(b"whole")  # the file is gone
    (path / "17953" / f"{OPENED + 1}.g3.torn").write_bytes(b"")  # there was nothing in it
    found = folder(path).cut_off()
    assert [(each.file, each.kept, each.size_bytes) for each in sorted(found, key=str)] == [
        (f"17953/{OPENED}.g3", f"17953/{OPENED}.g3.torn", 1),
        (f"17953/{OPENED}.g3", f"17953/{OPENED}.g3.torn2", 2),
        (f"17953/{OPENED + 9000}.g3", f"17953/{OPENED + 9000}.g3.torn", 5),
    ]
    (late,) = folder(path).cut_off(since_at=OPENED + 8000)
    assert late.opened_at == OPENED + 9000


def test_only_files_that_can_have_data_of_a_time_are_looked_at(path):
    for hour in range(0, 12, 2):
        file(path, OPENED + hour * 3600)
    found = folder(path).files(OPENED + 5 * 3600, OPENED + 6 * 3600)
    assert [(int(one.stem) - OPENED) // 3600 for one in found] == [4, 6, 8]


def test_a_file_is_read_whole_only_once(path):
    file(path, OPENED)
    file(path, OPENED + 90_000)
    first = folder(path, OPENED + 10 * DAY_S).summaries()
    again = folder(path, OPENED + 10 * DAY_S)
    read = counting(again)
    assert again.summaries() == first
    assert read == []
    assert sorted(one.name for one in (path / "ocsd/index").iterdir()) == [
        "17953.json",
        "17954.json",
    ]


def test_a_file_that_changed_is_read_again(path):
    one = file(path, OPENED)
    folder(path).summaries()
    with one.open("ab") as opened:
        opened.write(samples(every(1, 5, OPENED + 5)))
    (summary,) = folder(path).summaries()
    assert summary.sources[0].blocks[0].samples == 10


@pytest.mark.parametrize("last", ["present", "future"])
def test_of_files_named_after_the_future_the_one_changed_last_is_being_written(path, last):
    files = {"present": file(path, OPENED), "future": file(path, OPENED + 10**8)}
    for name, one in files.items():
        os.utime(one, (OPENED, OPENED + (name == last)))
    assert folder(path, OPENED + 100).being_written() == files[last]


def test_the_file_being_written_is_read_again_after_its_next_frame_only(path):
    written = file(path, OPENED)
    first = folder(path, OPENED + 100).summaries()
    again = folder(path, OPENED + 100)
    assert again.being_written() == written
    read = counting(again)
    assert again.summaries() == first
    assert read == []
    with written.open("ab") as opened:
        opened.write(samples(every(1, 5))[:-3])
    assert again.summaries()[0].damage == ()
    assert read == [written.name]
    assert folder(path, OPENED + LONGEST_WRITING_S).summaries()[0].damage[0].at_end


def test_the_file_being_written_is_not_remembered_and_its_last_frame_no_damage(path):
    with file(path, OPENED).open("ab") as opened:
        opened.write(samples(every(1, 5))[:-3])
    writing = folder(path, OPENED + 100)
    assert writing.being_written().stem == str(OPENED)
    assert writing.summaries()[0].damage == ()
    closed = folder(path, OPENED + LONGEST_WRITING_S)
    assert closed.being_written() is None
    assert len(closed.summaries()[0].damage) == 1


@pytest.mark.parametrize("content", ["", "[]", '{"version": 0}', '{"version": 2, "files": 3}'])
def test_an_index_that_cannot_be_understood_is_made_anew(path, content):
    file(path, OPENED)
    expected = folder(path).summaries()
    index = path / "ocsd/index/17953.json"
    whole = json.loads(index.read_text())
    index.write_text(content)
    assert folder(path).summaries() == expected
    assert json.loads(index.read_text()) == whole
    whole["files"][f"17953/{OPENED}.g3"].pop("sources")
    index.write_text(json.dumps(whole))
    assert folder(path).summaries() == expected


def test_the_index_of_another_users_folder_stands_in_the_cache_of_this_user(path, cache):
    file(path, OPENED)
    if os.geteuid() == 0:
        os.chown(path, 65534, 65534)
    else:
        path.chmod(0o555)
    folder(path).summaries()
    assert not (path / "ocsd").exists()
    again = folder(path)
    read = counting(again)
    again.summaries()
    assert read == []
    assert places(path)[0].is_relative_to(cache)


def test_progress_is_told_in_bytes_of_what_has_to_be_read(path):
    sizes = [file(path, OPENED + 10 * number).stat().st_size for number in range(3)]
    told = []
    folder(path).summaries(report=lambda *figures: told.append(figures))
    assert told == [(sum(sizes[: number + 1]), sum(sizes)) for number in range(3)]


def test_an_interrupted_reading_is_no_harm(path):
    file(path, OPENED)
    file(path, OPENED + 90_000)

    def stop(_done, _work):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        folder(path).summaries(report=stop)
    names = [summary.sources[0].feed for summary in folder(path).summaries()]
    assert names == [THERMO, THERMO]


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(NoDataError, match=r"there is no data folder .*nowhere"):
        DataFolder(tmp_path / "nowhere")


def test_an_empty_folder_has_nothing(path):
    assert folder(path).summaries() == []
    assert folder(path).being_written() is None


def test_files_that_are_gone_are_forgotten(path):
    first = file(path, OPENED)
    folder(path).summaries()
    first.unlink()
    file(path, OPENED + 1)
    assert len(folder(path).summaries()) == 1
    index = json.loads((path / "ocsd/index/17953.json").read_text())
    assert list(index["files"]) == [f"17953/{OPENED + 1}.g3"]


def test_what_is_no_file_keeps_nobody_from_the_files(path):
    file(path, OPENED)
    (path / "17953/1795328300.g3").mkdir()
    os.mkfifo(path / "17953/1795328400.g3")
    (path / "17954").write_text("")
    assert len(folder(path).summaries()) == 1


@pytest.mark.parametrize("name", ["17953/1795328300.g3", "17954"])
def test_a_link_to_nothing_is_told_with_where_it_leads(path, name):
    file(path, OPENED)
    (path / name).symlink_to("/archive/gone")
    with pytest.raises(
        NoDataError, match=rf"{name} is a link to /archive/gone.* mount its file system"
    ):
        folder(path).summaries()


def test_an_error_of_the_disk_is_told(path, monkeypatch):
    file(path, OPENED)

    def fail(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.pread", fail)
    with pytest.raises(OcsdError, match=rf"cannot read .*{OPENED}.g3: Input/output error; look at"):
        folder(path).summaries()


def test_a_large_index_is_read_without_looking_for_garbage_in_it(path, monkeypatch):
    file(path, OPENED)
    folder(path).summaries()
    seen = []
    stored = reading_folder._stored
    monkeypatch.setattr(
        reading_folder, "_stored", lambda place: seen.append(gc.isenabled()) or stored(place)
    )
    folder(path).summaries()
    assert seen
    assert not any(seen)
    assert gc.isenabled()
