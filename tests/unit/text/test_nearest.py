"""Guessing what was meant."""

import pytest

from ocsd.text.nearest import did_you_mean, nearest, nearest_or_all


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


def test_all_words_are_listed_when_none_is_near():
    assert nearest_or_all("zzz", ["up", "down"]) == "; it has up, down"
    assert nearest_or_all("zzz", []) == "; it has none"
    assert nearest_or_all("upp", ["up", "down"]) == "; did you mean 'up'?"


def test_the_hint_is_empty_when_nothing_is_near():
    assert did_you_mean("zzz", ["up"]) == ""
    assert did_you_mean("upp", ["up"]) == "; did you mean 'up'?"
