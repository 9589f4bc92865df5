"""Samples as rows, and rows as COPY takes them."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.export.databases.points import BlockSamples, PointModel
from ocsd.export.databases.postgres.catalogue import FieldCatalogue, TableColumn
from ocsd.export.databases.postgres.copying import encoded
from ocsd.export.databases.postgres.rows import (
    MOST_COPIED,
    Cells,
    Rows,
    batches_of,
    missing,
    tabulated,
)
from ocsd.journal.kinds import Kind

AT = 1775502374.0784891
KINDS = {float: Kind.FLOAT, int: Kind.INT, bool: Kind.BOOL, str: Kind.TEXT}


def samples(times, feed="observatory.a.feeds.f", **columns):
    kinds = {name: KINDS[type(values[0])] for name, values in columns.items()}
    arrays = {
        name: values if kinds[name] is Kind.TEXT else np.array(values)
        for name, values in columns.items()
    }
    return BlockSamples(PointModel(feed, kinds), {"": np.array(times), **arrays})


def table_of(*blocks, catalogue=None):
    """Return the rows of one table as dicts by time [us]."""
    catalogue = catalogue or FieldCatalogue({}, {})
    for key in missing(blocks, catalogue):
        catalogue.add(key)
    (rows,) = tabulated(blocks, catalogue)
    return decoded(rows)


def decoded(rows):
    """Return rows by what COPY would read."""
    data = encoded(rows)
    assert data.startswith(b"PGCOPY\n\xff\r\n\0" + bytes(8))
    at, found = 19, {}
    while (count := struct.unpack_from(">h", data, at)[0]) != -1:
        at, values = at + 2, []
        for _ in range(count):
            (length,) = struct.unpack_from(">i", data, at)
            at += 4
            values.append(None if length < 0 else data[at : at + length])
            at += max(0, length)
        (since_2000,) = struct.unpack(">q", values[0])
        cells = zip(rows.cells, values[1:], strict=True)
        row = {column.name: _value(column.kind, value) for column, value in cells}
        found[since_2000 + 946_684_800_000_000] = row
    assert at + 2 == len(data)
    return found


def _value(kind, data):
    if data is None:
        return None
    if kind is Kind.TEXT:
        return data.decode()
    return struct.unpack({Kind.FLOAT: ">d", Kind.INT: ">q", Kind.BOOL: "?"}[kind], data)[0]


def test_a_sample_is_a_row_of_all_types_to_the_microsecond():
    found = table_of(samples([AT], x=[0.25], n=[-3], on=[True], state=['é"\n']))
    assert found == {1775502374078489: {"x": 0.25, "n": -3, "on": True, "state": 'é"\n'}}


def test_nan_is_null_and_infinite_values_stay():
    found = table_of(samples([1.0, 2.0], x=[float("nan"), float("inf")]))
    assert found == {1_000_000: {"x": None}, 2_000_000: {"x": float("inf")}}


def test_blocks_of_a_feed_are_one_table_and_meet_in_a_row():
    found = table_of(samples([1.0, 2.0], a=[1, 2]), samples([2.0, 3.0], b=["x", "y"]))
    assert found == {
        1_000_000: {"a": 1, "b": None},
        2_000_000: {"a": 2, "b": "x"},
        3_000_000: {"a": None, "b": "y"},
    }


def test_the_later_of_two_values_of_one_time_counts():
    nan = float("nan")
    assert table_of(samples([1.0, 1.0, 1.0], a=[1.0, 2.0, nan])) == {1_000_000: {"a": 2.0}}


def test_integers_go_where_the_floats_of_the_field_are_if_they_fit():
    catalogue = FieldCatalogue({}, {})
    table_of(samples([1.0], n=[1.5]), catalogue=catalogue)
    assert table_of(samples([2.0], n=[7]), catalogue=catalogue) == {2_000_000: {"n": 7.0}}
    assert table_of(samples([2.0], n=[2**60]), catalogue=catalogue) == {2_000_000: {"n_int": 2**60}}


def test_a_row_comes_apart_into_single_cells():
    columns = [TableColumn("t", name, Kind.INT) for name in "abc"]
    cells = {each: Cells(np.array([5]), np.array([each.name != "b"])) for each in columns}
    parts = Rows("t", np.array([1]), cells).single_cells()
    assert [decoded(each) for each in parts] == [{1: {"a": 5}}, {1: {"c": 5}}]


@pytest.mark.parametrize("length", [1, MOST_COPIED])
def test_batches_are_bounded_and_leave_nothing_out(length):
    columns = {"": np.arange(length) + 0.5, "a": np.zeros(length), "b": np.zeros(length)}
    block = PointModel("o.a.feeds.f", dict.fromkeys("ab", Kind.FLOAT))
    blocks = [BlockSamples(block, columns)] * 3
    found = list(batches_of(blocks))
    sizes = [sum(3 * len(part.columns[""]) for part in batch) for batch in found]
    assert max(sizes) <= 2 * MOST_COPIED
    assert sum(sizes) == 3 * 3 * length


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 50),
            st.floats(allow_nan=True),
            st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
        ),
        min_size=1,
    )
)
def test_rows_hold_what_the_samples_hold(drawn):
    times, numbers, texts = map(list, zip(*drawn, strict=True))
    expected = {}
    for time, number, text in drawn:
        row = expected.setdefault(time * 1_000_000, {"x": None, "s": None})
        row |= {"s": text} if number != number else {"s": text, "x": number}
    assert table_of(samples([float(time) for time in times], x=numbers, s=texts)) == expected
