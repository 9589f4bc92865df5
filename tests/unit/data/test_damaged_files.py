"""Files of which a part is wrong are read as far as they are right."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.data.decode import Whole, pieces
from ocsd.data.index import Damage
from tests.unit.data.recorded import every, samples, session, sound, status, write

FRAMES = (session(), status("a"), samples(every(0.25, 20)), samples(every(0.25, 3)))
ENDS = [sum(map(len, FRAMES[: number + 1])) for number in range(len(FRAMES))]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged") / "1795328225.g3"


def read(file, content):
    file.write_bytes(content)
    found = list(pieces(file))
    # Nothing is left out and nothing told twice.
    offset = 0
    for piece in found:
        assert piece.offset == offset
        offset += piece.length
    assert offset == len(content)
    return found


def test_every_frame_of_a_sound_file_is_found(tmp_path):
    path = sound(tmp_path, *FRAMES[2:])
    found = list(pieces(path))
    assert [type(piece) for piece in found] == [Whole] * 4
    assert [piece.frame["hkagg_type"] for piece in found] == [0, 1, 2, 2]
    assert found[-1].offset + found[-1].length == path.stat().st_size


@given(length=st.integers(0, ENDS[-1]))
def test_of_any_beginning_of_a_file_the_whole_frames_are_read(file, length):
    found = read(file, b"".join(FRAMES)[:length])
    whole = [piece for piece in found if isinstance(piece, Whole)]
    assert len(whole) == sum(end <= length for end in ENDS)
    torn = found[len(whole) :]
    assert [one.at_end for one in torn] == [True] * (length not in {0, *ENDS})
    assert all(one.reason == "the file ends within a frame" for one in torn)


@given(where=st.integers(0, ENDS[-1] - 1), change=st.integers(1, 255))
@settings(max_examples=200)
def test_one_wrong_byte_costs_one_frame(file, where, change):
    content = bytearray(b"".join(FRAMES))
    content[where] ^= change
    found = read(file, bytes(content))
    whole = [piece for piece in found if isinstance(piece, Whole)]
    # The type in a frame's head is not covered by its checksum.
    assert len(whole) >= len(FRAMES) - 1


@given(st.binary(max_size=300))
def test_bytes_that_are_no_frames_are_damage(file, content):
    assert all(isinstance(piece, Damage) for piece in read(file, content))


@given(st.lists(st.sampled_from([*FRAMES, FRAMES[2][:50], FRAMES[0][9:], b"\x01\x01\0\0\0"])))
def test_frames_are_found_again_behind_anything(file, parts):
    found = read(file, b"".join(parts))
    whole = sum(isinstance(piece, Whole) for piece in found)
    assert whole == sum(part in FRAMES for part in parts)


def test_zeros_that_a_power_cut_left_at_the_end_are_one_damage(tmp_path):
    path = write(tmp_path, *FRAMES, bytes(5000))
    assert list(pieces(path))[-1] == Damage(ENDS[-1], 5000, "no frame begins there", at_end=True)


def test_a_frame_that_claims_to_be_huge_is_not_read_into_memory(tmp_path):
    huge = FRAMES[2][:13] + (2**62).to_bytes(8, "little") + FRAMES[2][21:]
    path = write(tmp_path, FRAMES[0], huge, FRAMES[1])
    assert [isinstance(piece, Whole) for piece in pieces(path)] == [True, False, True]
