"""Whatever `publish_to_feed` takes, the recorder takes too; all else is refused to the author."""

import math
import random

import numpy as np
import pytest

from tests.unit.aggregator.rig import START, Recording

_MESSAGES = 1500
_YEAR_S = 366 * 86400.0
_VALUES = [True, 0, -99, 2**63, 2**70, 10**400, 1.5, math.nan, -math.inf, "a", "", "é", "\ud800"]
_VALUES += ["\0", None, b"a", [1], {}, 1j, np.float32(3), np.int8(1), np.uint64(2**64 - 1)]
_VALUES += [np.bool_(True), np.str_("x"), np.longdouble(1), np.datetime64("2026-01-01")]
_NAMES = [
    "b",
    "_a",
    "1a",
    "_",
    "",
    "a b",
    "a.b",
    "é",
    "a\n",
    "\ud800",
    "x" * 255,
    "x" * 256,
    3,
    None,
]
_TIMES = [START * 1e3, 0, -1, math.nan, math.inf, None, "x", True, 2**80, [START], np.array(START)]
_TIMES += [START + away_s for away_s in (3600, _YEAR_S - 9, _YEAR_S + 9, 9 - _YEAR_S, -_YEAR_S - 9)]
_TIMES += [np.float64(START), np.float32(START), np.int64(START)]


def _message(choose):
    """Return a message in which now and then something is odd."""
    count = choose.choice([0, 1, 2, 30])
    value = choose.choice(_VALUES)
    column = [choose.choice([value, value, value, *_VALUES]) for _ in range(count)]
    times = [START + number for number in range(count)]
    name = choose.choice(["b"] * 30 + _NAMES)
    field = choose.choice(["a"] * 30 + _NAMES)
    at = choose.choice([START] * 30 + _TIMES)
    if choose.random() < 0.5:
        return {"block_name": name, "timestamp": at, "data": {field: value}}
    if count and choose.random() < 0.1:
        times[-1] = at
    return {"block_name": name, "timestamps": times, "data": {field: column}}


def test_what_a_feed_takes_is_never_refused_by_the_recorder(agent, link, tmp_path):
    recording = Recording(tmp_path)
    recording.start()
    agent.unix_time = lambda: START
    agent.register_feed("temps", record=True)
    choose, refused = random.Random(5), []
    for _ in range(_MESSAGES):
        try:
            agent.publish_to_feed("temps", _message(choose))
        except (ValueError, TypeError) as error:
            refused.append(str(error))
    assert all(text.startswith("feed 'temps': ") and len(text) < 400 for text in refused)
    assert len(link.published) > _MESSAGES / 10
    for _, (message, feed_info) in link.published:
        recording.recorder.accept(message, feed_info)
    said = recording.recorder.encoded()
    assert (said["messages"], said["refused_because"]) == (len(link.published), {})
    recording.recorder.close()


@pytest.mark.parametrize("name", ["n" * 200, "a-b", "é", "a/b", "*"])
def test_a_feed_name_that_is_taken_is_recorded(agent, link, tmp_path, name):
    recording = Recording(tmp_path)
    recording.start()
    agent.unix_time = lambda: START
    agent.register_feed(name, record=True)
    agent.publish_to_feed(name, {"block_name": "b", "timestamp": START, "data": {"a": 1}})
    recording.recorder.accept(*link.published[0][1])
    said = recording.recorder.encoded()
    assert (said["messages"], said["refused_because"]) == (1, {})
    recording.recorder.close()
