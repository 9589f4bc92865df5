import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ocsd.aggregator.frames import frames
from ocsd.aggregator.frames.packed_frame import FrameColumns
from ocsd.aggregator.frames.provider import Provider
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.numbers.numbering import Numbering
from ocsd.journal.kinds import Kind
from ocsd.journal.origin import Origin
from tests.unit.aggregator.rig import START, Recording, core

RUN = frames.RecordingRun(session_id=12345678901234, started_at=START)


def test_times_are_exact_to_the_tick():
    assert list(frames.ticks(np.array([0.0, -0.5, 1795328225.25]))) == [
        0,
        -50_000_000,
        179532822525000000,
    ]


@given(st.floats(1.0e9, 4.0e9))
def test_a_time_survives_the_way_to_ticks_and_back(time):
    (count,) = frames.ticks(np.array([time]))
    whole, rest = divmod(int(count), 100_000_000)
    assert abs((whole - time) + rest / 1e8) < 6e-9


def test_the_bytes_are_those_of_the_writer_of_spt3g(tmp_path):
    frame = frames._frame(frames.SESSION, frames.RecordingRun(session_id=7, started_at=START))
    frame["labels"] = core.G3VectorString(["x"])
    path = tmp_path / "writer.g3"
    writer = core.G3Writer(str(path))
    writer(frame)
    writer.Flush()
    assert frames._bytes(frame) == path.read_bytes()


def columns(count, first=0):
    numbers = np.arange(count, dtype=np.int64)
    return FrameColumns(
        {"of_floats": Kind.FLOAT, "b": Kind.INT, "c": Kind.BOOL, "t": Kind.TEXT, "B": Kind.FLOAT},
        numbers + first,
        {
            "of_floats": numbers + 0.5,
            "b": numbers * 200,
            "c": numbers % 2 == 0,
            "t": [f"é{number}" for number in numbers],
            "B": np.full(count, np.nan),
        },
    )


VECTORS = {
    Kind.FLOAT: core.G3VectorDouble,
    Kind.INT: core.G3VectorInt,
    Kind.BOOL: core.G3VectorBool,
    Kind.TEXT: core.G3VectorString,
}


def frame_of_so3g(blocks):
    frame = frames._frame(frames.DATA, RUN)
    frame["prov_id"] = 3
    frame["timestamp"] = START
    frame["address"] = "observatory.a.feeds.b"
    frame["provider_session_id"] = "17.5"
    maps = core.G3VectorFrameObject()
    for block in blocks.values():
        entry = core.G3TimesampleMap()
        entry.times = core.G3VectorTime(block.ticks)
        for name, kind in block.kinds.items():
            entry[name] = VECTORS[kind](block.values[name])
        maps.append(entry)
    frame["blocks"] = maps
    frame["block_names"] = core.G3VectorString(list(blocks))
    return frames._bytes(frame)


ENTRIES = {
    "address": "observatory.a.feeds.b",
    "provider_session_id": "17.5",
    "prov_id": 3,
    "session_id": RUN.session_id,
    "timestamp": START,
    "hkagg_version": 2,
    "hkagg_type": frames.DATA,
}


def frame_of_ours(blocks):
    origin = Origin("observatory.a.feeds.b", "17.5", "observatory.a", numbered=True)
    now = Instant(at=START, mono_s=0.0)
    provider = Provider(3, origin, now, Numbering())
    return b"".join(frames.data_frame(RUN, provider, blocks, now))


@pytest.mark.parametrize(
    "blocks",
    [
        {"one": columns(1)},
        {"one": columns(300), "two": columns(1, 2**40), "three": columns(7)},
    ],
)
def test_a_data_frame_has_the_bytes_that_so3g_writes(blocks):
    assert frame_of_ours(blocks) == frame_of_so3g(blocks)


NUMBERS = {
    Kind.FLOAT: (st.floats(), np.float64),
    Kind.INT: (st.integers(-(2**63), 2**63 - 1) | st.integers(-200, 200), np.int64),
    Kind.BOOL: (st.booleans(), np.bool_),
}


@st.composite
def blocks_of_all_kinds(draw):
    """Draw blocks as a recorder has them, of fields whose names are any texts."""
    blocks = {}
    for block_name in draw(st.lists(st.text(max_size=6), min_size=1, max_size=3, unique=True)):
        count = draw(st.integers(1, 6))
        ticks = draw(st.lists(st.integers(-(2**62), 2**62), min_size=count, max_size=count))
        kinds = draw(st.dictionaries(st.text(max_size=6), st.sampled_from(Kind), max_size=5))
        values = {}
        for name, kind in kinds.items():
            of_kind, dtype = NUMBERS.get(kind, (st.text(max_size=5), None))
            column = draw(st.lists(of_kind, min_size=count, max_size=count))
            values[name] = np.array(column, dtype) if dtype else column
        blocks[block_name] = FrameColumns(kinds, np.array(ticks, np.int64), values)
    return blocks


@given(blocks_of_all_kinds())
@example({"": FrameColumns({"": Kind.TEXT, "\xff": Kind.INT}, np.zeros(1, np.int64),
                           {"": [""], "\xff": np.array([-(2**63)])})})  # fmt: skip
def test_whatever_is_recorded_has_the_bytes_that_so3g_writes(blocks):
    expected = frame_of_so3g(blocks)
    assert frame_of_ours(blocks) == expected
    assert frames._frame_of_objects(ENTRIES, blocks) == expected


def test_a_hundred_thousand_samples_have_the_bytes_that_so3g_writes():
    blocks = {"long": columns(100_000), "short": columns(1)}
    assert frame_of_ours(blocks) == frame_of_so3g(blocks)


def test_columns_of_narrower_types_or_with_steps_have_the_bytes_that_so3g_writes():
    kinds = {"f": Kind.FLOAT, "g": Kind.FLOAT, "i": Kind.INT, "b": Kind.BOOL}
    whole = np.arange(3, dtype=np.int64)
    given_as = {
        "f": whole.astype(np.float32),
        "g": np.arange(6.0)[::2],
        "i": np.arange(6, dtype=np.int64)[::-2],
        "b": np.arange(6)[::2] > 2,
    }
    wide = {**given_as, "f": whole.astype(np.float64)}
    expected = frame_of_so3g({"one": FrameColumns(kinds, whole, wide)})
    assert frame_of_ours({"one": FrameColumns(kinds, whole, given_as)}) == expected


def test_texts_that_no_file_can_hold_fail_before_a_byte_is_written():
    blocks = {"one": FrameColumns({"t": Kind.TEXT}, np.zeros(1, np.int64), {"t": ["\ud800"]})}
    for make in (frame_of_ours, frame_of_so3g):
        with pytest.raises(UnicodeEncodeError):
            make(blocks)


def test_the_so3g_that_is_installed_writes_the_bytes_that_are_packed_here():
    assert frames.why_slow() == ""


@pytest.mark.parametrize("fault", [lambda *_: [b"other bytes"], lambda *_: 1 / 0])
def test_another_so3g_makes_the_frames_itself_and_the_log_says_so(tmp_path, monkeypatch, fault):
    monkeypatch.setattr(frames, "packed_frame", fault)
    frames.why_slow.cache_clear()
    try:
        blocks = {"one": columns(3), "two": columns(2)}
        assert frame_of_ours(blocks) == frame_of_so3g(blocks)
        recording = Recording(tmp_path)
        recording.start()
        recording.send([START, START + 1], a=[1.0, 2.0])
        recording.recorder.close()
        assert list(recording.read("thermo1.feeds.temps.a")[1]) == [1.0, 2.0]
        assert [line for line in recording.log.lines if "so3g that is installed" in line]
    finally:
        frames.why_slow.cache_clear()


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=4))
@example([127, -128])
@example([128])
@example([-129])
@example([2**31 - 1, -(2**31)])
@example([2**31])
def test_whole_numbers_have_as_many_bytes_as_those_of_so3g(numbers):
    values = {"x": np.array(numbers, np.int64)}
    blocks = {"one": FrameColumns({"x": Kind.INT}, np.zeros(len(numbers), np.int64), values)}
    assert frame_of_ours(blocks) == frame_of_so3g(blocks)
