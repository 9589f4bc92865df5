"""Messages that earlier lives of an agent have left: reading them, and removing them."""

import errno
import os
import pwd
from contextlib import contextmanager
from pathlib import Path

import pytest

from ocsd.agent.spool.limits import LEAST_BYTES, SpoolLimits
from ocsd.agent.spool.mark import MOST_SPARES, SPARES, SPARES_AFTER_S
from ocsd.agent.spool.past import MOST_EARLIER_LIVES
from ocsd.agent.spool.service import TEND_EVERY_S
from ocsd.agent.spool.spool import DISK_RETRY_S
from tests.unit.agent.spool.spool_life import ADDRESS, Life
from tests.unit.shortages import no_file_larger_than


def test_the_next_life_knows_what_the_one_before_has_left(folder):
    before = Life(folder, "1.5")
    before.put("a", "x", "y")
    before.put("a/b c", "odd")
    after = Life(folder, "2.5")
    after.put("a", "z")
    assert {name: sorted(feeds) for name, feeds in after.sessions().items()} == {
        "1.5": ["a", "a/b c"],
        "2.5": ["a"],
    }
    assert after.sessions()["1.5"]["a"] == {"address": f"{ADDRESS}.a", "first": 0, "next": 2}
    assert after.read("a", "1.5", 1) == ["y"]
    assert after.read("a/b c", "1.5") == ["odd"]
    assert after.read("a", "2.5") == ["z"]
    assert after.service.answer("a", "1.5")["messages"][0][1]["session_id"] == "1.5"


def test_the_next_life_knows_of_what_was_lost_with_memory(folder):
    before = Life(folder, "1.5")
    before.put("a", "x", "y")
    with no_file_larger_than(before.feeds["a"].spool.size_bytes):
        before.put("a", "z" * 1000, "z" * 1000)
        kept = Life(folder, "2.5").sessions()["1.5"]["a"]
    assert (kept["first"], kept["next"]) == (0, 4)
    assert Life(folder, "2.5").service.answer("a", "1.5", 2) == {
        "first": 0,
        "next": 4,
        "messages": [],
    }
    before.now_s += DISK_RETRY_S
    before.put("a", "z")
    assert Life(folder, "2.5").read("a", "1.5", 4) == ["z"]


def test_a_disk_that_is_full_a_second_time_leaves_a_mark_as_well(folder):
    before = Life(folder, "1.5")
    with no_file_larger_than(0):
        before.put("a", "x")
    before.now_s += DISK_RETRY_S
    before.put("a", "y")
    with no_file_larger_than(before.feeds["a"].spool.size_bytes):
        before.put("a", "z" * 1000)
    assert Life(folder, "2.5").sessions()["1.5"]["a"]["next"] == 3


def test_an_earlier_life_in_many_files_is_read_as_one(folder):
    before = Life(folder, "1.5", SpoolLimits(max_bytes=LEAST_BYTES))
    before.put("a", *(str(n) * 10_000 for n in range(100)))
    after = Life(folder, "2.5")
    kept = after.sessions()["1.5"]["a"]
    assert (kept["first"], kept["next"]) == (before.feeds["a"].spool.first, 100)
    assert len(list((folder / "1.5" / "a").iterdir())) > 10
    got = after.read("a", "1.5", kept["first"], 4 * LEAST_BYTES)
    assert got == [str(n) * 10_000 for n in range(kept["first"], 100)]


def test_earlier_lives_are_kept_until_this_one_is_old_enough(folder):
    Life(folder, "1.5").put("a", "x")
    life = Life(folder, "2.5", SpoolLimits(max_age_s=100))
    life.put("a", "y")
    life.now_s += 99
    assert life.read("a", "1.5") == ["x"]
    assert "1.5" in life.sessions()
    life.now_s += TEND_EVERY_S
    assert list(life.sessions()) == ["2.5"]
    assert {each.name for each in folder.iterdir()} == {"2.5", SPARES}


def test_a_life_given_up_as_dead_does_not_remove_a_later_one(folder):
    given_up = Life(folder, "1.5", SpoolLimits(max_age_s=100))
    Life(folder, "2.5").put("a", "x")
    given_up.now_s += 1000
    given_up.put("a", "y")
    assert given_up.read("a", "2.5") == ["x"]


def test_a_life_whose_clock_was_ahead_is_removed_as_well(folder):
    Life(folder, "4070908800.5").put("a", "x")
    life = Life(folder, "2.5", SpoolLimits(max_age_s=100))
    life.put("a", "y")
    assert life.read("a", "4070908800.5") == ["x"]
    life.now_s += 100
    assert list(life.sessions()) == ["2.5"]


def test_a_feed_without_messages_yet_has_its_earlier_bounds(folder):
    before = Life(folder, "1.5")
    before.more_info = {"agg_params": {"spool_time": 5000}}
    before.put("slow", "x")
    before.more_info = {"agg_params": {"spool_time": "nonsense"}}
    before.put("fast", "x")
    life = Life(folder, "2.5")
    for uptime_s, names in ((599, ["fast", "slow"]), (4999, ["slow"]), (5010, [])):
        life.now_s = 1000 + uptime_s
        assert sorted(life.sessions().get("1.5", {})) == names


def test_an_agent_that_is_never_asked_removes_earlier_lives(folder):
    Life(folder, "1.5").put("a", "x")
    life = Life(folder, "2.5", SpoolLimits(max_age_s=100))
    for _ in range(12):
        life.put("a", "y")
        life.now_s += 10
    assert {each.name for each in folder.iterdir()} == {"2.5", SPARES}


def test_earlier_lives_together_are_bounded_in_size(folder):
    small = SpoolLimits(max_bytes=LEAST_BYTES)
    for number in range(4):
        Life(folder, f"{number}.5", small).put("a", *("x" * 50_000 for _ in range(8)))
    life = Life(folder, "9.5", small)
    life.put("a", "y")
    held = {
        name: feeds["a"]["next"] - feeds["a"]["first"] for name, feeds in life.sessions().items()
    }
    assert list(held) == ["1.5", "2.5", "3.5", "9.5"]
    assert 0 < held["1.5"] < 8
    assert (held["2.5"], held["3.5"]) == (8, 8)


def test_an_agent_that_keeps_ending_does_not_fill_the_disk(folder):
    lives = [f"{number}.5" for number in range(100, 110 + MOST_EARLIER_LIVES)]
    for session_id in lives:
        Life(folder, session_id).put("a", "x")
    assert len(list(folder.iterdir())) <= MOST_EARLIER_LIVES + 2
    kept = list(Life(folder, "999.5").sessions())[:-1]
    assert kept == lives[-MOST_EARLIER_LIVES:]


@contextmanager
def as_an_ordinary_user(folder):
    """Give up root's rights for a while; yields a way to the folder."""
    before, descriptor = os.geteuid(), os.open(folder, os.O_RDONLY)
    os.seteuid(pwd.getpwnam("nobody").pw_uid if before == 0 else before)
    try:
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.seteuid(before)
        os.close(descriptor)


def test_a_life_without_permission_does_not_hide_the_others(folder):
    Life(folder, "1.5").put("f", "closed")
    Life(folder, "2.5").put("f", "open")
    (folder / "1.5").chmod(0)
    for path in (folder / "2.5").rglob("*"):
        path.chmod(0o755)
    with as_an_ordinary_user(folder) as place:
        life = Life(place, "3.5")
        assert list(life.sessions()) == ["2.5", "3.5"]
        assert life.read("f", "2.5") == ["open"]


def test_a_life_that_left_only_a_mark_is_known(folder):
    before = Life(folder, "1.5", SpoolLimits(max_age_s=100))
    before.put("a", "x")
    with no_file_larger_than(before.feeds["a"].spool.size_bytes):
        for _ in range(30):
            before.put("a", "y" * 1000)
            before.now_s += 10
    assert list(folder.rglob("*.spool")) == []
    life = Life(folder, "2.5")
    assert life.sessions()["1.5"]["a"] == {"address": f"{ADDRESS}.a", "first": 31, "next": 31}
    assert life.service.answer("a", "1.5") == {"first": 31, "next": 31, "messages": []}


@pytest.mark.parametrize("folders", ["can be made", "cannot be made"])
def test_lives_without_room_from_their_start_are_known(folder, monkeypatch, folders):
    first = Life(folder, "1.5")
    first.put("a", "x")
    first.put("b", "x")
    first.now_s += SPARES_AFTER_S
    first.put("a", "y")
    first.put("b", "y")
    without_room = [f"{life}.5" for life in range(2, 2 + MOST_SPARES)]
    with no_file_larger_than(20), monkeypatch.context() as patches:
        if folders == "cannot be made":
            patches.setattr(Path, "mkdir", no_room)
            patches.setattr(os, "makedirs", no_room)
        for session_id in without_room:
            life = Life(folder, session_id)
            life.put("a", "lost", "lost as well")
            life.put("b", "lost")
        unknown = Life(folder, "98.5")
        unknown.put("a", "lost")
    known = Life(folder, "99.5").sessions()
    assert sorted(known) == sorted(["1.5", *without_room, "99.5"])
    assert all(
        known[session_id]["a"] == {"address": f"{ADDRESS}.a", "first": 2, "next": 2}
        and known[session_id]["b"]["next"] == 1
        for session_id in without_room
    )


def test_a_life_with_room_replaces_used_spare_folders(folder):
    lived(folder, "1.5")
    assert spares(folder) == MOST_SPARES
    with no_file_larger_than(20):
        Life(folder, "2.5").put("a", "lost")
    assert spares(folder) == MOST_SPARES - 1
    lived(folder, "3.5")
    assert spares(folder) == MOST_SPARES


def test_a_life_leaves_one_spare_folder_at_once_and_the_others_when_a_start_is_over(folder):
    life = Life(folder, "1.5")
    life.put("a", "x")
    assert spares(folder) == 1

    for text in "yz":  # each begins another file, which does not put it off
        life.now_s += SPARES_AFTER_S / 2
        life.more_info = {"text": text}
        life.put("a", "x")
    assert spares(folder) == MOST_SPARES


def lived(folder, session_id):
    """Live for long enough to leave all spare folders."""
    life = Life(folder, session_id)
    life.put("a", "x")
    life.now_s += SPARES_AFTER_S
    life.put("a", "x")


def spares(folder):
    return len(list((folder / SPARES).glob("*/a/next")))


def no_room(*_arguments, **_options):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
