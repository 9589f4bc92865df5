import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd import journal
from ocsd.aggregator.disk.journal_writer import JournalWriter
from ocsd.errors import JournalVersionError
from ocsd.journal import Alive, File, JournalFollower, Lost, Message, Outage, Start
from ocsd.journal.kinds import Kind
from tests.unit.journal.written import chunk, layout

PLAIN = {"x": Kind.FLOAT, "n": Kind.INT}
TEXTS = {"s": Kind.TEXT}


def write(writer, first, count, at=100.0):
    """Write messages of two feeds, and an event after every third."""
    feeds = layout(PLAIN), layout(TEXTS, address="observatory.b.feeds.f")
    for number in range(first, first + count):
        when = at + number
        blocks = [chunk(feeds[0], (0.5, number)), chunk(feeds[1], ("ü" * number,))]
        writer.message(number, when, blocks[: 1 + number % 2])
        if number % 3 == 0:
            writer.event(Alive(when))


def in_words(entries):
    return [
        f"message {entry.number}: {[each.content for each in entry.blocks]}"
        if isinstance(entry, Message)
        else str(entry)
        for entry in entries
    ]


def all_of(folder):
    with JournalFollower(folder) as follower:
        return everything(follower)


def everything(follower, most_bytes=2**22):
    found = follower.poll(most_bytes)
    while follower.behind:
        found += follower.poll(most_bytes)
    return in_words(found)


def remaining(found):
    return [each for each in found if not each.startswith("Lost")]


@pytest.fixture
def writer(tmp_path):
    made = JournalWriter(tmp_path, 0, segment_bytes=600)
    yield made
    made.close()


def test_entries_come_once_and_in_order_over_all_segments(tmp_path, writer):
    with JournalFollower(tmp_path) as follower:
        found = []
        for first in range(0, 40, 2):
            write(writer, first, 2)
            found += everything(follower)
        assert follower.poll() == []
    assert len(journal.segments(tmp_path)) > 4
    numbers = [each.split(":")[0] for each in found if each.startswith("message")]
    assert numbers == [f"message {number}" for number in range(40)]
    assert found == all_of(tmp_path)


@pytest.fixture(scope="module")
def written():
    """Return the contents of segments, and their entries in words."""
    with TemporaryDirectory() as folder:
        writer = JournalWriter(Path(folder), 0, segment_bytes=600)
        write(writer, 0, 24)
        writer.close()
        contents = [path.read_bytes() for _, path in journal.segments(Path(folder))]
        return contents, all_of(Path(folder))


@settings(max_examples=60)
@given(data=st.data())
def test_any_cut_of_the_file_while_following_gives_each_entry_once(written, data):
    contents, expected = written
    with TemporaryDirectory() as name:
        folder, found = Path(name) / "journal", []
        follower = JournalFollower(folder)
        for number, content in enumerate(contents):
            cuts = data.draw(st.lists(st.integers(0, len(content)), max_size=6))
            for cut in [*sorted(cuts), len(content)]:
                folder.mkdir(exist_ok=True)
                path = folder / f"{number:08}.wal"
                path.touch()
                with path.open("r+b") as file:
                    file.seek(0, os.SEEK_END)
                    file.write(content[file.tell() : cut])
                match data.draw(st.sampled_from(["poll", "little", "wait", "restart"])):
                    case "poll":
                        found += everything(follower)
                    case "little":
                        found += in_words(follower.poll(1))
                    case "restart":
                        follower.close()
                        follower = JournalFollower(folder, follower.place or Start.OLDEST)
        found += everything(follower)
        follower.close()
        assert found == expected


@settings(max_examples=60)
@given(data=st.data())
def test_what_is_deleted_was_read_or_is_told(data):
    with TemporaryDirectory() as name:
        folder, found = Path(name), []
        writer = JournalWriter(folder, 0, segment_bytes=600)
        follower = JournalFollower(folder)
        count = 0
        for _ in range(data.draw(st.integers(1, 12))):
            match data.draw(st.sampled_from(["write", "poll", "delete", "restart"])):
                case "write":
                    write(writer, count, 5)
                    count += 5
                case "poll":
                    found += everything(follower)
                case "delete":
                    for _, path in journal.segments(folder)[: data.draw(st.integers(0, 3))]:
                        if path != writer.path:
                            path.unlink()
                case "restart":
                    follower.close()
                    follower = JournalFollower(folder, follower.place or Start.OLDEST)
        found += everything(follower)
        follower.close()
        writer.close()
    assert_told(found)


def assert_told(found):
    """Check that numbers ascend, and that none is left out but after `Lost`."""
    expected = None
    for each in found:
        if each.startswith("Lost"):
            expected = None
        elif each.startswith("message"):
            number = int(each.split()[1][:-1])
            assert expected in (None, number)
            expected = number + 1
    assert [each for each in found if found.count(each) > 1 and "message" in each] == []


def test_a_segment_is_read_to_its_end_although_it_is_deleted(tmp_path, writer):
    with JournalFollower(tmp_path) as follower:
        writer.event(File("17953/1.g3", 100))
        write(writer, 0, 1)
        everything(follower)
        write(writer, 1, 12)
        journal.segments(tmp_path)[0][1].unlink()
        found = everything(follower)
    assert [each.split(":")[0] for each in found if "message" in each] == [
        f"message {number}" for number in range(1, 13)
    ]
    assert remaining(found) == found


def test_segments_that_went_unread_are_told_with_the_time_of_the_entry_before(tmp_path, writer):
    with JournalFollower(tmp_path) as follower:
        write(writer, 0, 1)
        everything(follower)
        write(writer, 1, 60)
        paths = [path for _, path in journal.segments(tmp_path)]
        for path in paths[:4]:
            path.unlink()
        found = follower.poll()
        lost = [entry for entry in found if isinstance(entry, Lost)]
    assert [each.reason for each in lost] == [
        "segments of the journal before 4 were deleted unread"
    ]
    before = found[found.index(lost[0]) - 1]
    assert lost[0].since_at in (getattr(before, "arrived_at", 0), getattr(before, "at", 0))


def begun_anew(folder, at):
    """Do what an orderly end and the next start of the recorder do."""
    for _, path in journal.segments(folder):
        path.unlink()
    fresh = JournalWriter(folder, 0, segment_bytes=600)
    write(fresh, 500, 3, at)
    fresh.close()


def test_another_journal_of_the_same_numbers_is_not_taken_for_the_old_one(tmp_path, writer):
    write(writer, 0, 3)
    with JournalFollower(tmp_path) as follower:
        before = everything(follower)
        place = follower.place
        begun_anew(tmp_path, 10_000.0)
        found = everything(follower)
    assert found[0].startswith("Lost")
    assert len(before) == len(found[1:])
    with JournalFollower(tmp_path, place) as follower:
        again = everything(follower)
    assert again[0].startswith("Lost")
    assert again[1:] == found[1:]


@pytest.mark.parametrize("file", [File("17953/2.g3", 100), File("17953/1.g3", 101)])
def test_a_segment_of_the_next_number_that_writes_to_another_file_is_of_another_journal(
    tmp_path, file
):
    old = JournalWriter(tmp_path, 0)
    old.event(File("17953/1.g3", 100))
    write(old, 0, 3)
    old.close()
    with JournalFollower(tmp_path) as follower:
        everything(follower)
        old.path.unlink()
        fresh = JournalWriter(tmp_path, 1)
        fresh.event(file)
        write(fresh, 3, 3)
        fresh.close()
        assert everything(follower)[0].startswith("Lost(since_at=102.0, reason='segments of")


def test_where_the_segment_of_a_place_is_gone_the_rest_of_it_may_be_lost(tmp_path, writer):
    write(writer, 0, 1)
    with JournalFollower(tmp_path) as follower:
        everything(follower)
        write(writer, 1, 12)
        place = follower.place
    journal.segments(tmp_path)[0][1].unlink()
    with JournalFollower(tmp_path, place) as follower:
        assert follower.poll()[0] == Lost(100.0, "segment 0 of the journal is gone")


def test_a_follower_of_the_newest_begins_with_what_comes(tmp_path, writer):
    write(writer, 0, 10)
    with JournalFollower(tmp_path, Start.NEWEST) as follower:
        assert everything(follower) == []
        write(writer, 10, 1)
        assert [each.split(":")[0] for each in everything(follower)] == ["message 10"]


def test_a_folder_that_comes_later_is_read_from_its_beginning(tmp_path):
    for start in (Start.OLDEST, Start.NEWEST):
        folder = tmp_path / start.value
        with JournalFollower(folder, start) as follower:
            assert follower.poll() == []
            made = JournalWriter(folder, 0)
            write(made, 0, 2)
            assert len(everything(follower)) == 3
            made.close()


def test_a_folder_that_is_moved_is_followed_until_another_takes_its_place(tmp_path):
    folder = tmp_path / "journal"
    writer = JournalWriter(folder, 0)
    with JournalFollower(folder) as follower:
        write(writer, 0, 1)
        everything(follower)
        folder.rename(tmp_path / "aside")
        write(writer, 1, 1)
        assert [each.split(":")[0] for each in everything(follower)] == ["message 1"]
        other = JournalWriter(folder, 0)
        write(other, 900, 1)
        found = everything(follower)
        other.close()
    writer.close()
    assert [each.split(":")[0].split("(")[0] for each in found] == ["Lost", "message 900", "Alive"]


def test_a_torn_end_is_waited_for_and_left_when_the_recorder_has_gone_on(tmp_path):
    writer = JournalWriter(tmp_path, 0)
    write(writer, 0, 1)
    whole = writer.path.read_bytes()
    writer.close()
    writer.path.write_bytes(whole[:-3])
    with JournalFollower(tmp_path) as follower:
        assert len(everything(follower)) == 1
        assert everything(follower) == []
        fresh = JournalWriter(tmp_path, 1)
        fresh.event(Outage(1.0, 101.0, "the aggregator was killed"))
        fresh.close()
        found = follower.poll()
    assert [type(entry) for entry in found] == [Lost, Outage]
    assert "segment 0 of the journal is torn or damaged" in found[0].reason


def test_a_mended_end_is_read(tmp_path):
    writer = JournalWriter(tmp_path, 0)
    write(writer, 0, 2)
    whole = writer.path.read_bytes()
    writer.close()
    with JournalFollower(tmp_path) as follower:
        writer.path.write_bytes(whole[:-3] + b"abc")
        first = everything(follower)
        writer.path.write_bytes(whole[:-3])
        writer.path.write_bytes(whole)
        assert first + everything(follower) == all_of(tmp_path)


def test_a_newer_version_is_refused_until_it_is_gone(tmp_path, writer):
    write(writer, 0, 2)
    path = tmp_path / "00000001.wal"
    path.write_bytes(b"OCSDWAL2 and whatever a newer ocsd writes")
    with JournalFollower(tmp_path) as follower:
        assert len(everything(follower)) == 3
        for _ in range(2):
            with pytest.raises(JournalVersionError, match=r"00000001.wal has another format"):
                follower.poll()
        path.unlink()
        write(writer, 2, 1)
        assert [each.split(":")[0] for each in everything(follower)] == ["message 2"]


def test_a_file_that_is_no_segment_is_told(tmp_path, writer):
    (tmp_path / "notes.wal").write_text("not a segment")
    (tmp_path / "00000001.wal").write_text("no segment of a journal")
    write(writer, 0, 1)
    with JournalFollower(tmp_path) as follower:
        assert len(everything(follower)) == 2
        shutil.copy(writer.path, tmp_path / "00000002.wal")
        assert "damaged at 0" in everything(follower)[0]


def test_what_was_read_before_a_segment_that_cannot_be_read_is_returned(tmp_path, writer):
    write(writer, 0, 2)
    blocked = tmp_path / "00000001.wal"
    blocked.mkdir()
    with JournalFollower(tmp_path) as follower:
        assert len(everything(follower)) == 3
        for _ in range(2):
            with pytest.raises(IsADirectoryError):
                follower.poll()
        blocked.rmdir()
        write(writer, 2, 1)
        assert len(everything(follower)) == 1


def test_an_oldest_segment_that_is_gone_when_it_is_opened_is_left_out(tmp_path):
    (tmp_path / "00000000.wal").symlink_to("gone")
    writer = JournalWriter(tmp_path, 1)
    write(writer, 0, 2)
    writer.close()
    assert len(all_of(tmp_path)) == 3


def test_a_record_longer_than_a_piece_is_read(tmp_path):
    writer = JournalWriter(tmp_path, 0)
    long = chunk(layout({"x": Kind.FLOAT}), *[(0.5,)] * 200_000)
    writer.message(0, 1.0, [long])
    writer.message(1, 1.0, [long])
    writer.close()
    with JournalFollower(tmp_path) as follower:
        assert [entry.number for entry in follower.poll(1)] == [0]
        assert follower.behind
        assert [entry.number for entry in follower.poll()] == [1]
