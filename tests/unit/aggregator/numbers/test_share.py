"""Which messages an aggregator records follows from what they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsd.aggregator.numbers.share import RecorderSpan, Share

OF_SITE, OF_LAB, OF_DOME = Share("hub"), Share("lab", of_site=False), Share("dome", of_site=False)
HOSTS = st.sampled_from([None, "lab", "dome", "hub"])


@pytest.mark.parametrize(
    ("info", "takers"),
    [
        ({}, [OF_SITE]),
        ({"recorded_by": None}, [OF_SITE]),
        ({"recorded_by": ["nonsense"]}, [OF_SITE]),
        ({"recorded_by": "lab"}, [OF_LAB]),
        ({"recorded_by": "hub"}, [OF_SITE]),
        ({"recorded_by": "gone"}, []),
    ],
)
def test_a_message_is_taken_by_one(info, takers):
    assert [each for each in (OF_SITE, OF_LAB, OF_DOME) if each.has(info)] == takers


@given(st.lists(st.tuples(st.integers(0, 30), HOSTS)), st.integers(0, 40))
def test_every_number_is_of_one_aggregator_or_left_to_others(changes, end):
    spans = [RecorderSpan(0, None), *(RecorderSpan(*each) for each in sorted(changes, key=str))]
    spans.sort(key=lambda span: span.first)
    for number in range(end):
        host = [span.host for span in spans if span.first <= number][-1]
        takers = [each for each in (OF_SITE, OF_LAB, OF_DOME) if each.has({"recorded_by": host})]
        for share in (OF_SITE, OF_LAB, OF_DOME):
            left = any(first <= number < until for first, until in share.others(spans, end))
            assert left != (share in takers)
    for share in (OF_SITE, OF_LAB, OF_DOME):
        ours = [
            number
            for number in range(end)
            if not any(first <= number < until for first, until in share.others(spans, end))
        ]
        assert share.end(spans, end) == max(ours, default=-1) + 1


def test_without_spans_all_is_left_to_the_site():
    assert OF_SITE.end((), 9) == 9
    assert OF_SITE.others((), 9) == []
    assert OF_LAB.end((), 9) == 0
    assert OF_LAB.others((), 9) == [(0, 9)]
