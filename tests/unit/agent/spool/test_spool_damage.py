"""A spool that is damaged, or cannot be read for a while, costs no more than it must."""

import errno
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ocsd.agent.spool.limits import SpoolLimits
from tests.unit.agent.spool.spool_life import Life
from tests.unit.shortages import no_descriptors


@pytest.mark.parametrize("content", [b"", b"\0" * 12, b"x" * 12, b"x" * 100])
def test_a_damaged_note_of_how_far_a_life_came_does_no_harm(folder, content):
    before = Life(folder, "1.5")
    before.put("a", "x")
    (folder / "1.5" / "a" / "next").write_bytes(content)
    assert Life(folder, "2.5").sessions()["1.5"]["a"]["next"] == 1


def test_a_damaged_file_costs_its_own_messages_only(folder):
    before = Life(folder, "1.5", SpoolLimits(max_age_s=100))
    for _ in range(4):
        before.put("a", *"xyz")
        before.now_s += 10
    files = sorted((folder / "1.5" / "a").glob("*.spool"))
    assert len(files) == 4
    files[1].write_bytes(b"")
    os.truncate(files[2], files[2].stat().st_size - 1)
    os.truncate(files[3], files[3].stat().st_size - 1)
    after = Life(folder, "2.5")
    for _ in range(2):
        held = after.sessions()["1.5"]["a"]
        assert (held["first"], held["next"]) == (0, 11)
        answer = after.service.answer("a", "1.5", 0)
        assert [info["seq"] for _, info in answer["messages"]] == [0, 1, 2, 6, 7, 9, 10]


def test_an_agent_without_descriptors_declares_nothing_lost(folder):
    Life(folder, "1.5").put("f", "one", "two")
    life = Life(folder, "2.5")
    life.put("f", "three")
    with no_descriptors():
        for asked in ((), ("f", "1.5", 0), ("f", "2.5", 0)):
            with pytest.raises(OSError, match="Too many open files"):
                life.service.answer(*asked)
    assert life.read("f", "1.5", 0) == ["one", "two"]


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_a_life_that_cannot_be_read_does_not_hide_the_others(folder, monkeypatch, number):
    for session_id in ("1.5", "2.5", "3.5"):
        Life(folder, session_id, SpoolLimits(max_age_s=100)).put("f", session_id)
    life = Life(folder, "4.5", SpoolLimits(max_age_s=100))
    life.put("f", "4.5")
    listed = Path.iterdir

    def listed_but_one(path):
        if path == folder / "2.5":
            raise OSError(number, os.strerror(number))
        return listed(path)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "iterdir", listed_but_one)
        assert sorted(life.sessions()) == ["1.5", "3.5", "4.5"]
        with pytest.raises(OSError, match=os.strerror(number)):
            life.service.answer("f", "2.5", 0)
        life.now_s += 100
        assert sorted(life.sessions()) == ["4.5"]
    assert life.read("f", "2.5") == ["2.5"]


def remains(folder):
    """Return all messages of the life "1.5" that a later one has."""
    life = Life(folder, "2.5")
    return {name: life.read(name, "1.5", 0, 2**23) for name in life.sessions().get("1.5", {})}


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 4000))
def test_any_prefix_of_a_file_gives_a_prefix_of_the_messages(tmp_path, size):
    messages = [{"n": number, "text": "x" * number} for number in range(50)]
    shutil.rmtree(tmp_path / "thermo1", ignore_errors=True)
    Life(tmp_path / "thermo1", "1.5").put("a", *messages)
    [path] = (tmp_path / "thermo1" / "1.5" / "a").glob("*.spool")
    whole = path.stat().st_size
    os.truncate(path, min(size, whole))
    got = remains(tmp_path / "thermo1").get("a", [])
    assert got == messages[: len(got)]
    assert size < whole or got == messages


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.sampled_from(["00000000000000000000.spool", "x.spool", "y"]))
def test_whatever_lies_in_the_folder_does_no_harm(tmp_path, content, name):
    folder = tmp_path / "thermo1"
    for each in ("1.5/a", "1.5/b", "rubbish"):
        (folder / each).mkdir(parents=True, exist_ok=True)
        (folder / each / name).write_bytes(content)
    (folder / "file").write_bytes(content)
    Life(folder, "1.7").put("a", "x")
    life = Life(folder, "2.5")
    assert life.read("a", "1.7") == ["x"]
    assert life.sessions()["1.7"]["a"]["next"] == 1
