"""Files are held against docs/reference/wire.md, and torn ones repaired."""

import errno
import os

import numpy as np
import pytest
from so3g.hk import load_range
from spt3g import core

from ocsd.aggregator.frames.field_kinds import FieldKinds
from ocsd.data.check import MOST_PROBLEMS, ProblemKind, _Rules, check
from ocsd.data.repair import repair
from ocsd.errors import OutputFileError
from tests.unit.data import recorded
from tests.unit.data.recorded import (
    OPENED,
    THERMO,
    block,
    data,
    every,
    samples,
    session,
    sound,
    status,
    write,
)

GOOD = samples(every(1, 5))


def texts(path, **more):
    return [problem.text for problem in check(path, **more)]


def kinds(path, **more):
    return [problem.kind for problem in check(path, **more)]


def test_a_sound_file_has_no_problem(tmp_path):
    frames = GOOD, status(THERMO), samples(every(1, 5, OPENED + 5))
    assert check(sound(tmp_path, *frames)) == []


@pytest.mark.parametrize(
    ("frames", "complaint"),
    [
        ([status(THERMO), GOOD], "frame 1 of the file is not a session frame"),
        ([session(), GOOD], "frame 2 of the file is not a status frame"),
        ([session(), status("other", "b"), data(2)], "provider 2 has data"),
        ([session(), status("other"), GOOD], "is not that of provider 0, 'other'"),
        ([session(), status(THERMO), GOOD, status(), GOOD], "the last status frame does not list"),
        ([session(), status(THERMO, session_id=8)], "session_id is 8, that of the file 7"),
        ([session(), status(THERMO), samples(every(-1, 3))], "its times do not ascend"),
        ([session(hkagg_version=1)], "is not a housekeeping frame of version 2"),
        ([session(), status(THERMO), data(blocks={"temps": block([])})], "has no samples"),
        (
            [session(), status(THERMO), data(block_names=core.G3VectorString(["a", "b"]))],
            "0 blocks have 2 names",
        ),
        (
            [session(), status(THERMO), GOOD, samples(every(1, 3), count=[0.5] * 3)],
            "its fields or their types have changed",
        ),
        ([session(), status(THERMO), data(blocks=None, session_id=7)[:-1]], "ends within a frame"),
    ],
)
def test_each_rule_that_is_broken_is_told(tmp_path, frames, complaint):
    found = texts(write(tmp_path, *frames))
    assert any(complaint in text for text in found), found


def test_a_frame_without_its_keys_is_told(tmp_path):
    frame = core.G3Frame(core.G3FrameType.Housekeeping)
    frame["hkagg_type"], frame["hkagg_version"], frame["session_id"] = 2, 2, 7
    (text,) = texts(sound(tmp_path, bytes(frame.__getstate__()[1])))
    assert text.startswith("a frame lacks what its kind must have")


def test_a_frame_of_another_type_is_told(tmp_path):
    path = sound(tmp_path, GOOD)
    content = path.read_bytes()
    place = content.index(GOOD) + 9
    path.write_bytes(content[:place] + b"S" + content[place + 1 :])
    assert texts(path) == ["is not a housekeeping frame of version 2"]


def test_a_column_that_is_too_short_is_told():
    # spt3g makes no such block, but reads one that another program wrote.
    class Odd(dict):
        times = np.array([1, 2, 3])

    odd = Odd(x=core.G3VectorDouble([1.0, 2.0]))
    assert list(_Rules(OPENED, FieldKinds())._block(0, "temps", odd)) == [
        "field 'x' has 2 values for 3 times"
    ]


def test_data_that_readers_would_not_look_for_in_the_file_are_told_once_a_feed(tmp_path):
    times = every(1, 3, OPENED + 3 * 3600)
    path = sound(tmp_path, samples(times), samples(times))
    (problem,) = check(path)
    assert problem.kind is ProblemKind.NAME
    assert "up to 3.0 h away" in problem.text
    data_dir = str(tmp_path)
    assert load_range(times[0], times[-1] + 1, [f"{THERMO}.count"], data_dir=data_dir) == {}


def test_a_file_in_the_wrong_folder_is_told(tmp_path):
    path = sound(tmp_path, GOOD)
    path.parent.rename(tmp_path / "17954")
    assert kinds(tmp_path / "17954" / path.name) == [ProblemKind.NAME]


def test_a_wrong_byte_in_the_midst_is_told_with_its_place_and_the_rest_is_checked(tmp_path):
    path = sound(tmp_path, GOOD, GOOD, samples(every(-1, 3)))
    content = bytearray(path.read_bytes())
    place = content.index(GOOD)
    content[place + len(GOOD) // 2] ^= 1
    path.write_bytes(content)
    damage, schema = check(path)
    assert (damage.kind, damage.offset) == (ProblemKind.DAMAGE, place)
    assert damage.text == f"{len(GOOD)} bytes cannot be read: its checksum is wrong"
    assert "do not ascend" in schema.text
    before = path.read_bytes()
    assert repair(path) is None
    assert path.read_bytes() == before


def test_a_file_that_is_wrong_throughout_is_told_briefly(tmp_path):
    bad = [samples(every(-1, 3)) for _ in range(100)]
    whole = check(sound(tmp_path, *bad))
    assert len(whole) == MOST_PROBLEMS + 1
    assert whole[-1].kind is ProblemKind.SCHEMA
    assert whole[-1].text == "the first of 80 more problems of this kind"
    torn = check(sound(tmp_path, *bad, GOOD[:-5]))
    assert [each.kind for each in torn[MOST_PROBLEMS:]] == [ProblemKind.SCHEMA, ProblemKind.TORN]


def test_a_file_being_written_may_end_within_a_frame(tmp_path):
    path = sound(tmp_path, GOOD, GOOD[:-5])
    assert kinds(path) == [ProblemKind.TORN]
    assert check(path, being_written=True) == []


@pytest.mark.parametrize("torn", [GOOD[:1], GOOD[:40], GOOD[:-1], bytes(4096)])
def test_a_torn_end_is_cut_off_and_kept(tmp_path, torn):
    path = sound(tmp_path, GOOD)
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    kept = repair(path)
    assert path.read_bytes() == whole
    assert kept.read_bytes() == torn
    assert kept.name == "1795328225.g3.torn"
    assert check(path) == []
    assert repair(path) is None
    read = load_range(OPENED, OPENED + 10, [f"{THERMO}.count"], data_dir=str(tmp_path))
    assert list(read[f"{THERMO}.count"][1]) == [0, 1, 2, 3, 4]


def test_what_was_kept_before_is_not_overwritten(tmp_path):
    path = sound(tmp_path, GOOD)
    for torn in (b"one", b"two"):
        with path.open("ab") as file:
            file.write(torn)
        kept = repair(path)
        assert kept.read_bytes() == torn
    assert kept.name == "1795328225.g3.torn2"


@pytest.mark.parametrize("content", [b"", b"\x01\x01", recorded.session()[:20]])
def test_a_file_without_any_whole_frame_is_moved_away(tmp_path, content):
    path = write(tmp_path, content)
    assert kinds(path) == [ProblemKind.TORN]
    kept = repair(path)
    assert not path.exists()
    assert kept.read_bytes() == content


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.ENOSPC, "make room in its folder"), (errno.EIO, "make its folder writable or use")],
)
def test_a_disk_that_cannot_keep_the_end_of_a_file_leaves_no_part_of_a_copy(
    tmp_path, monkeypatch, number, remedy
):
    def refuse(_descriptor):
        raise OSError(number, os.strerror(number))

    path = sound(tmp_path, GOOD, b"torn")
    before = path.read_bytes()
    monkeypatch.setattr("ocsd.data.repair.os.fsync", refuse)
    for _ in range(2):
        with pytest.raises(OutputFileError, match=f"it is as it was; {remedy}"):
            repair(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_gone_cannot_be_repaired(tmp_path):
    with pytest.raises(OutputFileError, match=r"cannot repair .*gone\.g3: No such file"):
        repair(tmp_path / "gone.g3")


def test_a_file_that_cannot_be_repaired_stays_as_it_was(tmp_path):
    path = sound(tmp_path, GOOD, b"torn")
    # No name is free for what is cut off: this one is as long as a name may be.
    path = path.rename(path.with_name("1" * 252 + ".g3"))
    before = path.read_bytes()
    with pytest.raises(OutputFileError, match="it is as it was"):
        repair(path)
    assert path.read_bytes() == before


def test_a_field_that_changes_its_type_is_told_once_over_all_files(tmp_path):
    known = FieldKinds()
    first = sound(tmp_path, samples(every(1, 3), x=[1, 2, 3]))
    later = [OPENED + 10, OPENED + 11], [OPENED + 12, OPENED + 13]
    frames = [samples(times, x=[0.5, 1.5]) for times in later]
    second = sound(tmp_path, *frames, opened=OPENED + 10)
    assert check(first, kinds=known) == []
    (problem,) = check(second, kinds=known)
    assert problem.kind is ProblemKind.TYPE
    assert problem.text == (
        f"{THERMO}.x was int and is float now: over both, so3g.hk.load_range converts all values "
        "to int; `ocsd data export` reads all as published"
    )
