"""Guessing what was meant."""

import pytest

from ocsd.text.nearest import did_you_mean, nearest


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("argumets", "arguments"),
        ("Instance_ID", "instance-id"),
        ("agentclass", "agent-class"),
        ("zzz", None),
        ("", None),
    ],
)
def test_the_nearest_spelling_is_found_or_none_is(word, meant):
    assert nearest(word, ["arguments", "instance-id", "agent-class"]) == meant


def test_the_hint_is_empty_when_nothing_is_near():
    assert did_you_mean("zzz", ["up"]) == ""
    assert did_you_mean("upp", ["up"]) == "; did you mean 'up'?"
