import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.agent.spool.limits import LEAST_BYTES, SpoolLimits, limits_of
from ocsd.agent.spool.spool import DISK_RETRY_S, Spool
from tests.unit.shortages import no_file_larger_than

INFO = {"feed_name": "f", "session_id": "1.5", "agg_params": {}}


class Time:
    def __init__(self):
        self.s = 100.0

    def __call__(self):
        return self.s


class Notes:
    """The reports of a spool about where it keeps its messages."""

    def __init__(self):
        self.said = []

    def in_memory(self, folder, error):
        self.said.append(error and errno.errorcode[error.errno])

    def on_disk(self, folder):
        if self.said and self.said[-1] != "disk":
            self.said.append("disk")

    def not_removed(self, path, error):
        self.said.append(f"{path.name}: {errno.errorcode[error.errno]}")


@pytest.fixture
def now():
    return Time()


@pytest.fixture
def notes():
    return Notes()


def numbers(spool, after=0):
    return [each.number for each in spool.messages(after)]


def fill(spool, count, size=0):
    for number in range(spool.next, spool.next + count):
        spool.put(number, "x" * size, INFO)


def on_disk(folder):
    return sum(each.stat().st_size for each in folder.rglob("*.spool"))


def close_files_in(folder):
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        with suppress(OSError):
            if Path(os.readlink(f"/proc/self/fd/{descriptor}")).is_relative_to(folder):
                os.close(descriptor)


def test_nothing_is_made_before_the_first_message(tmp_path, now):
    folder = tmp_path / "spool"
    spool = Spool(folder, SpoolLimits(), now)
    assert (spool.first, spool.next, numbers(spool)) == (0, 0, [])
    assert not folder.exists()
    fill(spool, 1)
    assert [each.name for each in folder.glob("*.spool")] == ["00000000000000000000.spool"]


@pytest.mark.parametrize("disk", [True, False], ids=["disk", "memory"])
def test_messages_are_read_from_any_number_on(tmp_path, now, disk):
    spool = Spool(tmp_path if disk else None, SpoolLimits(), now)
    for number in range(10):
        spool.put(number, {"n": [number]}, {**INFO, "agg_params": {"half": number // 5}})
    [last] = spool.messages(9)
    assert last.pair() == [{"n": [9]}, {**INFO, "agg_params": {"half": 1}, "seq": 9}]
    assert numbers(spool, 3) == [3, 4, 5, 6, 7, 8, 9]
    assert next(iter(spool.messages(4))).info["agg_params"] == {"half": 0}
    spool.close()


def test_a_message_is_in_the_file_when_put_returns(tmp_path, now):
    spool = Spool(tmp_path, SpoolLimits(), now)
    fill(spool, 2)
    before = on_disk(tmp_path)
    fill(spool, 1, 1000)
    assert on_disk(tmp_path) >= before + 1000
    assert on_disk(tmp_path) == spool.size_bytes


def test_the_oldest_go_when_they_are_too_old(tmp_path, now):
    spool = Spool(tmp_path, SpoolLimits(max_age_s=100), now)
    for _ in range(300):
        now.s += 1
        fill(spool, 1)
        assert spool.next - spool.first >= min(spool.next, 100)
        assert spool.next - spool.first <= 111
    assert len(list(tmp_path.iterdir())) <= 12


def test_the_oldest_go_when_they_are_too_large(tmp_path, now):
    spool = Spool(tmp_path, SpoolLimits(max_bytes=2 * LEAST_BYTES), now)
    for _ in range(300):
        fill(spool, 1, 20_000)
        assert on_disk(tmp_path) == spool.size_bytes <= 2 * LEAST_BYTES
    assert spool.size_bytes > 1.8 * LEAST_BYTES
    assert numbers(spool) == list(range(spool.first, 300))


def test_a_message_larger_than_the_spool_is_not_kept(tmp_path, now):
    spool = Spool(tmp_path, SpoolLimits(max_bytes=LEAST_BYTES), now)
    fill(spool, 3)
    fill(spool, 1, LEAST_BYTES)
    assert (spool.first, spool.next, on_disk(tmp_path)) == (4, 4, 0)
    fill(spool, 1)
    assert numbers(spool) == [4]


def test_a_message_that_is_too_large_to_be_sent_is_refused(tmp_path, now):
    spool = Spool(tmp_path, SpoolLimits(), now)
    with pytest.raises(ValueError, match="larger than"):
        fill(spool, 1, 2**24)
    fill(spool, 1)
    assert numbers(spool) == [0]


def test_code_that_closes_our_descriptors_loses_nothing(tmp_path, now, notes):
    spool = Spool(tmp_path, SpoolLimits(max_age_s=100), now, notes)
    for _ in range(3):
        fill(spool, 2)
        close_files_in(tmp_path)
        fill(spool, 2)
        now.s += DISK_RETRY_S
    assert numbers(spool) == list(range(12))
    assert notes.said == ["EBADF", "disk"] * 2 + ["EBADF"]


def test_messages_move_from_memory_to_a_disk_that_was_full(tmp_path, now, notes):
    spool = Spool(tmp_path, SpoolLimits(), now, notes)
    fill(spool, 3, 1000)
    with no_file_larger_than(spool.size_bytes + 500):  # half of a message
        fill(spool, 5, 1000)
        now.s += DISK_RETRY_S
        fill(spool, 1, 1000)
        assert numbers(spool) == list(range(9))
        assert notes.said == ["EFBIG" if notes.said[0] == "EFBIG" else "ENOSPC"] * len(notes.said)
    fill(spool, 1, 1000)
    assert numbers(spool) == list(range(10))
    now.s += DISK_RETRY_S
    fill(spool, 2, 1000)
    assert notes.said[-1] == "disk"
    assert numbers(spool) == list(range(12))
    assert on_disk(tmp_path) == spool.size_bytes > 12_000


def test_a_disk_full_from_the_beginning_leaves_no_empty_files(tmp_path, now, notes):
    spool = Spool(tmp_path, SpoolLimits(), now, notes)
    with no_file_larger_than(20):
        for _ in range(20):
            now.s += DISK_RETRY_S
            fill(spool, 1)
        assert list(tmp_path.iterdir()) == []
    now.s += DISK_RETRY_S
    fill(spool, 1)
    assert numbers(spool) == list(range(21))
    assert on_disk(tmp_path) == spool.size_bytes


def test_memory_is_bounded_as_the_disk_is(tmp_path, now, notes):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    spool = Spool(blocked / "spool", SpoolLimits(max_bytes=LEAST_BYTES), now, notes)
    for _ in range(200):
        fill(spool, 1, 20_000)
        assert spool.size_bytes <= LEAST_BYTES
    assert set(notes.said) == {"ENOTDIR"}
    assert numbers(spool) == list(range(spool.first, 200))


def test_messages_in_memory_at_the_end_go_to_the_disk(tmp_path, now, notes):
    spool = Spool(tmp_path, SpoolLimits(), now, notes)
    fill(spool, 2, 1000)
    with no_file_larger_than(spool.size_bytes):
        fill(spool, 3, 1000)
        spool.close()
        assert on_disk(tmp_path) < spool.size_bytes
    spool.close()
    assert on_disk(tmp_path) == spool.size_bytes > 5000
    assert notes.said[-1] == "disk"
    assert numbers(spool) == list(range(5))


@pytest.fixture
def undeletable(monkeypatch):
    """Let no file be deleted while its name is in the set."""
    names, unlink = set(), Path.unlink

    def unlink_others(path, **how):
        if path.name in names:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        unlink(path, **how)

    monkeypatch.setattr(Path, "unlink", unlink_others)
    return names


def test_an_old_file_that_cannot_be_deleted_is_tried_again(tmp_path, now, notes, undeletable):
    spool = Spool(tmp_path, SpoolLimits(max_age_s=100), now, notes)
    fill(spool, 1)
    [oldest] = tmp_path.glob("*.spool")
    undeletable.add(oldest.name)
    for _ in range(3):
        now.s += 101
        fill(spool, 1)
        assert len(numbers(spool)) == 1
    assert set(notes.said) == {"disk", f"{oldest.name}: EPERM"}
    assert oldest.exists()
    undeletable.clear()
    fill(spool, 1)
    assert len(list(tmp_path.glob("*.spool"))) == 1
    assert numbers(spool) == [3, 4]


def test_memory_is_bounded_while_no_file_can_be_deleted(tmp_path, now, undeletable):
    spool = Spool(tmp_path, SpoolLimits(max_bytes=LEAST_BYTES), now)
    fill(spool, 1)
    undeletable.update(each.name for each in tmp_path.glob("*.spool"))
    with no_file_larger_than(0):
        fill(spool, 100, 20_000)
    assert spool.size_bytes <= LEAST_BYTES
    assert {each.name for each in tmp_path.glob("*.spool")} == undeletable


def test_a_deleted_folder_is_made_again(tmp_path, now):
    spool = Spool(tmp_path / "spool", SpoolLimits(max_age_s=100), now)
    fill(spool, 2)
    shutil.rmtree(tmp_path / "spool")
    now.s += 10
    fill(spool, 2)
    assert numbers(spool) == [2, 3]


def test_numbers_may_be_missing(tmp_path, now):
    spool = Spool(tmp_path, SpoolLimits(), now)
    for number in (0, 1, 5):
        spool.put(number, number, INFO)
    assert numbers(spool, 2) == [5]
    assert spool.next == 6


def test_what_is_cleared_is_gone(tmp_path, now):
    spool = Spool(tmp_path, SpoolLimits(), now)
    fill(spool, 3)
    spool.clear()
    assert (spool.first, spool.next, on_disk(tmp_path)) == (3, 3, 0)
    fill(spool, 1)
    assert numbers(spool) == [3]


def test_messages_can_be_put_and_read_after_the_spool_was_closed(tmp_path, now):
    spool = Spool(tmp_path, SpoolLimits(), now)
    fill(spool, 3)
    spool.close()
    spool.close()
    fill(spool, 1)
    assert numbers(spool) == [0, 1, 2, 3]


puts = st.lists(st.tuples(st.integers(0, 300_000), st.floats(0, 30)), max_size=40)


@settings(deadline=None, max_examples=50)
@given(puts, st.sampled_from([None, 20, 60_000]))
def test_the_bounds_hold_for_any_messages(tmp_path_factory, puts, room_bytes):
    now = Time()
    limits = SpoolLimits(max_age_s=100, max_bytes=LEAST_BYTES)
    folder = tmp_path_factory.mktemp("spool")
    spool = Spool(folder, limits, now)
    put_at = []
    for number, (size, wait_s) in enumerate(puts):
        now.s += wait_s
        put_at.append(now.s)
        if room_bytes and 10 < number < 30:
            with no_file_larger_than(room_bytes):
                spool.put(number, "x" * size, INFO)
        else:
            spool.put(number, "x" * size, INFO)
        assert on_disk(folder) <= spool.size_bytes <= limits.max_bytes
        assert numbers(spool) == list(range(spool.first, number + 1))
        assert all(now.s - at <= 100 + limits.segment_s for at in put_at[spool.first :])
        too_much = sum(size + 500 for size, _ in puts[spool.first - 1 : number + 1])
        dropped = put_at[: spool.first]
        assert not dropped or now.s - dropped[-1] > 100 or too_much > limits.max_bytes * 14 / 16


def no_complaint(complaint):
    pytest.fail(complaint)


@pytest.mark.parametrize(
    ("agg_params", "limits"),
    [
        ({}, SpoolLimits(600.0, 64 * 2**20)),
        ({"spool_time": None, "spool_size": None}, SpoolLimits()),
        ({"spool_time": 60}, SpoolLimits(60.0)),
        ({"spool_size": "2M"}, SpoolLimits(max_bytes=2 * 2**20)),
        ({"spool_size": "1.5 GiB", "spool_time": 0.5}, SpoolLimits(0.5, 3 * 2**29)),
        ({"spool_size": "2048kB"}, SpoolLimits(max_bytes=2 * 2**20)),
        ({"spool_size": 10_000_000}, SpoolLimits(max_bytes=10_000_000)),
    ],
)
def test_an_author_sets_the_bounds(agg_params, limits):
    assert limits_of(agg_params, no_complaint) == limits


@pytest.mark.parametrize("time_s", ["ten", 0, -1, True, float("nan"), float("inf"), [60]])
def test_a_time_without_sense_is_named(time_s):
    complaints = []
    assert limits_of({"spool_time": time_s}, complaints.append) == SpoolLimits()
    assert repr(time_s) in complaints[0]


@pytest.mark.parametrize("size", ["", "64X", "M", -5, 1000, "1k", True, float("nan"), {}])
def test_a_size_without_sense_is_named(size):
    complaints = []
    assert limits_of({"spool_size": size}, complaints.append) == SpoolLimits()
    assert repr(size) in complaints[0]
