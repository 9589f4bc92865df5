import contextlib
import datetime
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsd.agent.spool.segment import (
    FileSegment,
    FoundSegment,
    MemorySegment,
    packed,
    record,
    records,
    unpacked,
)

INFO = {"feed_name": "f", "address": "observatory.thermo1.feeds.f"}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def written(folder, messages, first=0):
    """Write a segment; return its file."""
    segment = FileSegment(folder, first, INFO)
    for number, message in enumerate(messages, first):
        segment.put(record(number, packed(message)), number, 0.0)
    segment.close()
    return segment.path


def read(path, after=0):
    return [(number, unpacked(body)) for number, body in FoundSegment(path).bodies(after)]


@given(values)
def test_a_message_comes_back_as_it_was(message):
    assert unpacked(packed(message)) == message


def test_nan_and_the_kinds_of_values_come_back():
    message = {"a": [math.nan, math.inf], "b": [1, True, 1.0, 2**70, "text"]}
    back = unpacked(packed(message))
    assert math.isnan(back["a"][0])
    assert list(map(type, back["b"])) == [int, bool, float, int, str]


def test_a_rare_type_comes_back_as_well():
    moment = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)
    assert unpacked(packed({"at": moment})) == {"at": moment}


@pytest.mark.parametrize("message", [object(), {"a": [lambda: None]}])
def test_what_cannot_be_encoded_is_refused(message):
    with pytest.raises((ValueError, TypeError)):
        packed(message)


@given(st.binary())
def test_any_bytes_are_decoded_or_refused(body):
    with contextlib.suppress(ValueError):
        unpacked(b"c" + body)


@given(st.lists(values, max_size=8), st.data())
def test_any_prefix_of_a_segment_gives_a_prefix_of_its_messages(messages, data):
    segment = MemorySegment(3, INFO)
    for number, message in enumerate(messages, 3):
        segment.put(record(number, packed(message)), number, 0.0)
    whole = segment.data(0)
    prefix = whole[: data.draw(st.integers(0, len(whole)))]
    got = [(number, unpacked(body)) for number, body, _ in records(prefix)]
    expected = [(3, INFO), *enumerate(messages, 3)]
    assert got == expected[: len(got)]
    assert len(prefix) < len(whole) or got == expected


@given(st.binary(max_size=200), st.integers(0, 40))
def test_whatever_follows_the_messages_is_not_taken_for_one(rubbish, zeros):
    good = record(0, packed(INFO)) + record(0, packed("a"))
    got = [unpacked(body) for _, body, _ in records(good + bytes(zeros) + rubbish)]
    assert got[:2] == [INFO, "a"]
    assert len(got) == 2 or zeros == 0


@given(st.integers(0), st.data())
def test_a_damaged_byte_costs_only_the_messages_from_there_on(where, data):
    entries = [record(number, packed(f"message {number}")) for number in range(5)]
    whole = bytearray(b"".join(entries))
    place = where % len(whole)
    whole[place] ^= data.draw(st.integers(1, 255))
    damaged = sum(len(b"".join(entries[: n + 1])) <= place for n in range(5))
    assert [number for number, _, _ in records(bytes(whole))] == list(range(damaged))


def test_a_segment_is_read_from_any_number(tmp_path):
    path = written(tmp_path, "abcde", first=100)
    assert path.name == "00000000000000000100.spool"
    found = FoundSegment(path)
    assert (found.first, found.next, found.info) == (100, 105, INFO)
    assert read(path, 103) == [(103, "d"), (104, "e")]
    assert read(path, 0) == list(enumerate("abcde", 100))
    assert read(path, 105) == []


def test_reading_on_and_reading_again_give_the_same(tmp_path):
    found = FoundSegment(written(tmp_path, "abcde"))
    got = []
    for after in (0, 2, 1, 4, 3, 0):
        bodies = found.bodies(after)
        got.append([unpacked(next(bodies)[1])])
        got[-1] += [unpacked(body) for _, body in bodies][:1]
    assert got == [["a", "b"], ["c", "d"], ["b", "c"], ["e"], ["d", "e"], ["a", "b"]]


def test_a_file_that_was_cut_off_in_its_description_is_refused(tmp_path):
    path = written(tmp_path, "a")
    path.write_bytes(path.read_bytes()[:10])
    with pytest.raises(ValueError, match="decoded"):
        FoundSegment(path)


def test_what_was_written_before_a_cut_is_there(tmp_path):
    path = written(tmp_path, ["a", "b", "c" * 100])
    path.write_bytes(path.read_bytes()[:-1])
    assert read(path) == [(0, "a"), (1, "b")]
    assert FoundSegment(path).next == 2


def test_a_segment_moves_from_memory_to_the_disk(tmp_path):
    memory = MemorySegment(7, INFO)
    for number in (7, 8):
        memory.put(record(number, packed(number)), number, 5.0)
    copy = FileSegment.of(memory, tmp_path / "deep" / "folder")
    copy.put(record(9, packed(9)), 9, 6.0)
    copy.close()
    assert (copy.first, copy.next, copy.newest_s) == (7, 10, 6.0)
    assert copy.size_bytes == copy.path.stat().st_size
    assert read(copy.path) == [(7, 7), (8, 8), (9, 9)]


def test_a_deleted_file_has_no_messages(tmp_path):
    segment = FileSegment(tmp_path, 0, INFO)
    segment.put(record(0, packed("a")), 0, 0.0)
    segment.path.unlink()
    assert list(segment.bodies(0)) == []
    segment.remove()
