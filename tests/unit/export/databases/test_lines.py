"""The points of samples in OCS's data model, as line protocol."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.aggregator.frames.frames import ticks
from ocsd.export.databases.lines import (
    lines_of,
    measurement_of,
    single_fields,
    text_of,
    times_of,
)
from ocsd.export.databases.points import BlockSamples, PointModel
from ocsd.journal.kinds import Kind

FEED = "observatory.fake-data1.feeds.false_temperatures"
AT = 1775502374.0784891


def samples(kinds, tags=None, agent_class="FakeDataAgent", times=(AT,), **columns):
    arrays = {
        name: values if kinds[name] is Kind.TEXT else np.array(values)
        for name, values in columns.items()
    }
    described = PointModel(FEED, kinds, tags, agent_class)
    return BlockSamples(described, {"": np.array(times), **arrays})


def test_without_tags_a_sample_is_one_point_of_all_fields():
    kinds = {"channel_00": Kind.FLOAT, "count": Kind.INT, "on": Kind.BOOL, "state": Kind.TEXT}
    found = lines_of(samples(kinds, channel_00=[0.20307], count=[3], on=[True], state=['a "b" \\']))
    assert found == [
        "observatory.fake-data1,feed=false_temperatures "
        'channel_00=0.20307,count=3i,on=True,state="a \\"b\\" \\\\" 1775502374078489088'
    ]


def test_with_tags_each_field_is_a_point_of_the_class():
    tags = {
        "channel_00": {"_field": "temperature", "channel": 0},
        "channel_01": {"_field": "temperature", "channel": 1},
    }
    kinds = dict.fromkeys(tags, Kind.FLOAT)
    shared = "FakeDataAgent,feed=false_temperatures,address_root=observatory,instance_id=fake-data1"
    assert lines_of(samples(kinds, tags, channel_00=[0.20307], channel_01=[0.35795])) == [
        f"{shared},channel=0 temperature=0.20307 1775502374078489088",
        f"{shared},channel=1 temperature=0.35795 1775502374078489088",
    ]


def test_values_that_are_no_numbers_are_left_out():
    kinds = {"a": Kind.FLOAT, "b": Kind.FLOAT}
    nan, inf = float("nan"), float("inf")
    found = lines_of(samples(kinds, times=(1.0, 2.0, 3.0), a=[nan, 5.0, inf], b=[1.0, -inf, nan]))
    assert [line.split(" ", 1)[1] for line in found] == ["b=1.0 1000000000", "a=5.0 2000000000"]


NUMBERS = st.floats() | st.sampled_from([1e-4, 9.99e-5, 1e-7, 1e15, 1e16, 0.0, -0.0, 1e22])


@settings(max_examples=50)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=9))
def test_each_value_is_written_as_python_writes_it(rows):
    times = np.arange(len(rows), dtype=float)
    columns = {"a": [row[0] for row in rows], "b": [row[1] for row in rows]}
    expected = []
    for at, row in enumerate(rows):
        fields = [f"{n}={v!r}" for n, v in zip("ab", row, strict=True) if np.isfinite(v)]
        if fields:
            expected.append(f"{','.join(fields)} {at}000000000".replace(" 0000000000", " 0"))
    block = samples(dict.fromkeys(columns, Kind.FLOAT), times=times, **columns)
    lines = lines_of(block)
    assert [line.split(" ", 1)[1] for line in lines] == expected
    assert text_of(block) == ("".join(f"{line}\n" for line in lines), len(lines))


def test_an_integer_is_a_float_where_the_database_has_one():
    fields = samples({"n": Kind.INT}, n=[7])
    assert " n=7i " in lines_of(fields)[0]
    assert " n=7 " in lines_of(fields, {("observatory.fake-data1", "n")})[0]


def test_names_with_marks_of_the_protocol_are_escaped():
    tags = {"x": {"_field": "a b", "where": "100%, left=up", "empty": ""}}
    (line,) = lines_of(samples({"x": Kind.FLOAT}, tags, "My Agent", x=[1.5]))
    assert line.startswith(r"My\ Agent,feed=false_temperatures,")
    assert r",where=100%\,\ left\=up a\ b=1.5 " in line
    assert "empty" not in line
    assert measurement_of(line) == r"My\ Agent"


def test_a_line_comes_apart_into_single_fields():
    line = r'm\ x,t=a\,b a=1,b="x, y=\"1\" ,z",c=True 17'
    assert single_fields(line) == [
        r"m\ x,t=a\,b a=1 17",
        r'm\ x,t=a\,b b="x, y=\"1\" ,z" 17',
        r"m\ x,t=a\,b c=True 17",
    ]


@settings(max_examples=50)
@given(st.floats(1e9, 4e9))
def test_a_sample_of_a_file_has_the_time_that_it_had_in_the_journal(at):
    there_and_back = times_of(ticks(np.array([at])))
    assert there_and_back.tolist() == [at]
