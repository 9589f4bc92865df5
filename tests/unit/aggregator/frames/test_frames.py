import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ocsd.aggregator.frames import frames
from tests.unit.aggregator.rig import START, core


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
