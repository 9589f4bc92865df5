"""The times of messages whose devices have a wrong clock."""

import pytest

from ocsd.aggregator.incoming.moment import Instant
from tests.unit.aggregator.rig import START

DAY_S = 86400.0


@pytest.mark.parametrize(
    ("at", "believed"),
    [
        (START, True),
        (START + 59, True),
        (START - 29 * DAY_S, True),
        (START + 7200, False),
        (START - 463 * DAY_S, False),
        (0.0, False),
    ],
)
def test_a_message_with_an_impossible_time_is_dated_by_its_arrival(at, believed):
    expected = START
    if believed:
        expected = at
    assert Instant(at=START, mono_s=1.0).dated(at) == expected


def test_a_hole_beside_a_sample_of_1970_does_not_begin_in_1970(recording):
    recording.send([37.0], seq=0, a=[0.5])
    recording.run(1)
    recording.send([START + 1], seq=2, a=[0.5])
    (key,) = recording.recorder.pending()
    recording.lose(key, 1, 1)
    recording.recorder.close()
    (hole,) = recording.holes()
    assert (hole["from_time"], hole["until_time"]) == (START, START + 1)
