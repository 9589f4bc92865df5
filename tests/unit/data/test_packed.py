"""The columns that are read from the bytes of a frame are those that so3g reads."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.aggregator.frames.schema import spt3g_core
from ocsd.data.decode import frame_of
from ocsd.data.trend.frames import columns_of
from ocsd.data.trend.packed import Unpacker

core = spt3g_core()

VECTORS = {
    "float": (core.G3VectorDouble, st.floats(allow_nan=True)),
    "int": (core.G3VectorInt, st.integers(-(2**63), 2**63 - 1)),
    "small": (core.G3VectorInt, st.integers(-200, 200)),
    "bool": (core.G3VectorBool, st.booleans()),
    "str": (core.G3VectorString, st.text(max_size=5)),
}
NAMES = st.text(min_size=1, max_size=12).filter(lambda name: "\0" not in name)
TICKS = st.integers(-(2**62), 2**62)


@st.composite
def frames(draw, kinds=tuple(VECTORS), least=0):
    """Draw the bytes of a data frame."""
    blocks, names = core.G3VectorFrameObject(), core.G3VectorString()
    for _ in range(draw(st.integers(0, 3))):
        block = core.G3TimesampleMap()
        length = draw(st.integers(least, 5))
        times = draw(st.lists(TICKS, min_size=length, max_size=length))
        block.times = core.G3VectorTime([core.G3Time(at) for at in times])
        for name in draw(st.lists(NAMES, unique=True, max_size=4)):
            make, values = VECTORS[draw(st.sampled_from(kinds))]
            block[name] = make(draw(st.lists(values, min_size=length, max_size=length)))
        blocks.append(block)
        names.append(draw(NAMES))
    return serialised(blocks, names)


def serialised(blocks, names):
    frame = core.G3Frame(core.G3FrameType.Housekeeping)
    frame["hkagg_type"] = core.G3Int(2)
    frame["block_names"], frame["blocks"] = names, blocks
    frame["address"] = core.G3String("observatory.a.feeds.b")
    return frame.__getstate__()[1]


def assert_the_same(found, content):
    expected = columns_of(frame_of(content))
    found = [block for block in found if len(block.ticks)]
    assert [(each.name, each.kinds) for each in found] == [
        (each.name, each.kinds) for each in expected
    ]
    for ours, theirs in zip(found, expected, strict=True):
        assert list(ours.kinds) == list(theirs.kinds)
        np.testing.assert_array_equal(ours.ticks, theirs.ticks)
        for name, values in theirs.values.items():
            assert ours.values[name].dtype == values.dtype
            np.testing.assert_array_equal(ours.values[name], values)


@given(st.lists(frames(), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_what_is_unpacked_is_what_so3g_decodes(contents):
    unpacker = Unpacker()
    together = b"".join(contents)
    for _ in range(2):
        begin = 0
        for content in contents:
            found = unpacker.blocks(together, begin, len(content))
            begin += len(content)
            if found is not None:
                assert_the_same(found, content)


@given(frames(kinds=("float", "int", "small", "bool"), least=1))
@settings(max_examples=40, deadline=None)
def test_numbers_are_unpacked(content):
    found = Unpacker().blocks(content, 0, len(content))
    assert found is not None
    assert_the_same(found, content)


@given(frames(kinds=("float", "int"), least=1), st.data())
@settings(max_examples=60, deadline=None)
def test_a_harmed_frame_is_left_to_so3g_or_has_what_it_decodes(content, data):
    at = data.draw(st.integers(0, len(content) - 1))
    harmed = (
        content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :]
    )
    used = Unpacker()
    used.blocks(content, 0, len(content))
    for broken in (harmed, content[:at], content[:at] + bytes(len(content) - at)):
        for unpacker in (used, Unpacker()):
            found = unpacker.blocks(broken, 0, len(broken))
            if found is not None:
                assert_the_same(found, broken)
            assert unpacker.blocks(broken, 0, len(content) + 1) is None


def frame_with(values, kind="float", name="a", block_name="b"):
    block = core.G3TimesampleMap()
    block.times = core.G3VectorTime([core.G3Time(10**17 + at) for at in range(len(values))])
    block[name] = VECTORS[kind][0](values)
    return serialised(core.G3VectorFrameObject([block]), core.G3VectorString([block_name]))


def test_frames_of_the_same_length_may_have_other_fields():
    unpacker = Unpacker()
    for name, value in (("a", 1.0), ("b", math.inf), ("a", 3.0)):
        content = frame_with([value], name=name)
        (block,) = unpacker.blocks(content, 0, len(content))
        assert {key: each.tolist() for key, each in block.values.items()} == {name: [value]}


def test_frames_of_the_same_length_may_have_blocks_of_other_names():
    unpacker = Unpacker()
    for block_name in "bcb":
        content = frame_with([1.0], block_name=block_name)
        (block,) = unpacker.blocks(content, 0, len(content))
        assert block.name == block_name


@pytest.mark.parametrize("values", [[1, -5], [1, -500], [1, -70_000], [1, -(2**40)]])
def test_whole_numbers_of_any_width_are_int64(values):
    content = frame_with(values, "int")
    (block,) = Unpacker().blocks(content, 0, len(content))
    assert block.values["a"].dtype == np.int64
    assert block.values["a"].tolist() == values


@given(st.data(), st.integers(1, 4), st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_frames_that_follow_each_other_are_unpacked_together(data, count, length):
    many = st.lists(st.floats(), min_size=length, max_size=length)
    contents = [frame_with(data.draw(many)) for _ in range(count)]
    together = b"before" + b"".join(contents) + b"after"
    (ours,) = Unpacker().blocks(together, 6, len(contents[0]), count)
    expected = [columns_of(frame_of(content))[0] for content in contents]
    assert ours.ticks.ravel().tolist() == [at for each in expected for at in each.ticks]
    values = np.concatenate([each.values["a"] for each in expected])
    np.testing.assert_array_equal(ours.values["a"].ravel(), values)


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_frames_are_not_unpacked_together_if_one_differs_or_is_harmed(bad):
    contents = [frame_with([1.0, 2.0]) for _ in range(3)]
    for other in (frame_with([1.0, 2.0], name="c"), bytes(len(contents[0]))):
        together = b"".join([*contents[:bad], other, *contents[bad + 1 :]])
        assert Unpacker().blocks(together, 0, len(other), 3) is None


def test_so3g_decodes_what_is_not_known():
    content = frame_with(["x"], "str")
    assert Unpacker().blocks(content, 0, len(content)) is None
    assert Unpacker().blocks(b"", 0, 0) is None
