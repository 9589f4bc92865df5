"""What Grafana's SimpleJSON data source asks for, and what it gets."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.errors import UsageError
from ocsd.web.feedview.buffer import FeedBuffer
from ocsd.web.feedview.grafana import MOST_POINTS, query, search
from ocsd.web.feedview.thinning import line, thinned
from ocsd.web.server.plain import dumps

# 2026-11-22T06:17:05Z
NOW = 1_795_328_225.0

# As Grafana sends it, from the page of the data source.
ASKED = {
    "panelId": 1,
    "range": {
        "from": "2026-11-22T06:17:05.000Z",
        "to": "2026-11-22T06:18:05.000Z",
        "raw": {"from": "now-1m", "to": "now"},
    },
    "rangeRaw": {"from": "now-1m", "to": "now"},
    "interval": "30s",
    "intervalMs": 30000,
    "targets": [{"target": "lab.a", "refId": "A", "type": "timeserie"}],
    "adhocFilters": [],
    "format": "json",
    "maxDataPoints": 550,
}


@pytest.fixture
def buffer():
    buffer = FeedBuffer(3600.0, unix_time=lambda: NOW)
    data = {"a": [1.5, math.nan, 2.0], "b": [True, False, True], "s": ["on", "on", "off"]}
    block = {"block_name": "b", "timestamps": [NOW, NOW + 1, NOW + 2], "data": data}
    buffer.take({"b": block}, {"record": True})
    return buffer


def asked(*targets, **more):
    return ASKED | {"targets": list(targets)} | more


def test_a_time_series_has_pairs_of_value_and_milliseconds(buffer):
    [answer] = query(ASKED, buffer, "lab")
    at = round(NOW * 1000)
    assert answer == {
        "target": "lab.a",
        "datapoints": [[1.5, at], [None, at + 1000], [2.0, at + 2000]],
    }
    json.loads(dumps(answer), parse_constant=pytest.fail)


def test_a_table_has_columns_and_rows(buffer):
    answers = query(asked(*({"target": n, "type": "table"} for n in ("lab.b", "s"))), buffer, "lab")
    at = round(NOW * 1000)
    assert answers[0] == {
        "type": "table",
        "columns": [{"text": "Time", "type": "time"}, {"text": "lab.b", "type": "number"}],
        "rows": [[at, 1.0], [at + 1000, 0.0], [at + 2000, 1.0]],
    }
    assert answers[1]["columns"][1] == {"text": "s", "type": "string"}
    assert answers[1]["rows"] == [[at, "on"], [at + 2000, "off"]]


def test_a_target_without_samples_does_not_harm_the_others(buffer):
    first, second = query(asked({"target": "lab.aa"}, {"target": "lab.a"}), buffer, "lab")
    assert first["datapoints"] == []
    assert first["message"] == "no samples of 'aa' have come in; did you mean 'a'?"
    assert len(second["datapoints"]) == 3


def test_rows_of_the_form_that_are_empty_are_left_out(buffer):
    empty = [{"refId": "A"}, {"target": None}, {"target": ""}, {"target": 7}, None]
    assert query(asked(*empty), buffer, "lab") == []


@pytest.mark.parametrize("value", [{"from": 1795328225000, "to": 1795328226000}])
def test_times_may_be_milliseconds(buffer, value):
    [answer] = query(ASKED | {"range": value}, buffer, "lab")
    assert len(answer["datapoints"]) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"range": None}, '"range"'),
        ({"range": {"from": "yesterday", "to": 7}}, '"from" of the range is'),
        ({"range": {"from": 7, "to": 10**400}}, '"to" of the range is'),
        ({"range": {"from": 7, "to": math.nan}}, '"to" of the range is'),
        ({"range": {"from": 7, "to": 6}}, "ends before it begins"),
        ({"targets": None}, '"targets"'),
        ({"targets": [{}] * 501}, '"targets"'),
        ({"targets": [{"target": "a", "type": "pie"}]}, "'pie'"),
        ({"maxDataPoints": 0}, '"maxDataPoints"'),
        ({"maxDataPoints": "many"}, '"maxDataPoints"'),
        ({"maxDataPoints": True}, '"maxDataPoints"'),
    ],
)
def test_a_query_of_another_form_is_refused_with_the_reason(buffer, change, words):
    with pytest.raises(UsageError) as raised:
        query(ASKED | change, buffer, "lab")
    assert words in str(raised.value)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize("most", [1, 10**9, 1e300, None])
def test_any_number_of_points_is_bounded(most):
    buffer = FeedBuffer(3600.0, unix_time=lambda: NOW)
    times = [NOW + n / 1000 for n in range(30_000)]
    block = {"block_name": "b", "timestamps": times, "data": {"a": times}}
    buffer.take({"b": block}, {"record": True})
    [answer] = query(ASKED | {"maxDataPoints": most}, buffer, "lab")
    assert 2 <= len(answer["datapoints"]) <= MOST_POINTS


def test_a_search_lists_what_contains_the_words():
    names = ["lab.channel_00", "lab.channel_01"]
    assert search({"target": ""}, names) == names
    assert search({}, names) == names
    assert search({"target": "_01", "type": "timeseries"}, names) == ["lab.channel_01"]
    assert search({"target": 7}, names) == names


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 1e9), st.floats(allow_infinity=False)), min_size=1, max_size=200
    ),
    st.integers(2, 50),
)
def test_thinning_keeps_every_extreme_and_its_order(samples, most):
    samples.sort(key=lambda pair: pair[0])
    times = np.array([at for at, _ in samples])
    values = np.array([value for _, value in samples])
    shown = thinned(times, values, most)
    assert len(shown) <= max(2, most)
    assert (np.diff(shown) > 0).all()
    if not np.isnan(values).all():
        assert np.nanmin(values[shown]) == np.nanmin(values)
        assert np.nanmax(values[shown]) == np.nanmax(values)


def test_a_line_breaks_in_a_silence_and_nowhere_else():
    times = np.array([*range(10), *range(40, 50)], dtype=float)
    shown, values = line(times, times, 100)
    assert shown[np.isnan(values)].tolist() == [24.5]
    assert len(shown) == 21
    times = np.arange(10_000, dtype=float)
    assert not np.isnan(line(times, times, 100)[1]).any()
    few = np.array([1.0, 1000.0])
    assert line(few, few, 100)[0].tolist() == [1.0, 1000.0]
