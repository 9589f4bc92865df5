"""The settings of a feed that have no effect are named."""

import pytest
from twisted.logger import capturedLogs, formatEvent

from ocsd.agent.feeds.settings import KNOWN, checked_settings


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"framelength": 60}, "'framelength' is none of frame_length, fresh_time"),
        ({"framelength": 60}, "did you mean 'frame_length'?"),
        ({"frame_length": "60 s"}, "frame_length '60 s' is not a time in seconds; 300 is used"),
        ({"fresh_time": -1}, "fresh_time -1 is not a time in seconds; 180 is used"),
        ({"fresh_time": True}, "fresh_time True is not a time"),
        ({"frame_length": float("inf")}, "agg_params['frame_length'] holds inf"),
        ({"note": "x" * 5000}, "agg_params['note'] holds more than 4 KiB"),
    ],
)
def test_a_setting_without_effect_is_named_in_the_log(agent, settings, complaint):
    with capturedLogs() as logs:
        agent.register_feed("t", record=True, agg_params=settings)
    lines = [formatEvent(event) for event in logs]
    assert any("feed t: agg_params: " in line and complaint in line for line in lines)
    assert {event["log_level"].name for event in logs} == {"warn"}


def test_good_settings_are_taken_without_a_word():
    good = dict.fromkeys(KNOWN, 1)
    assert checked_settings(good, pytest.fail) == good


def test_the_keys_of_other_programs_go_with_the_messages():
    assert checked_settings({"mine": 1}, lambda _: None) == {"mine": 1}
