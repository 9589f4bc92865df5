import contextlib
import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsd.aggregator.incoming.columns import LONG_LIST, MisfitError, kind_of, pack, wider
from ocsd.journal.kinds import Kind


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.0, 2.5], Kind.FLOAT),
        ([1, 2], Kind.INT),
        ([True, False], Kind.BOOL),
        (["a", "b"], Kind.TEXT),
        ([0, 0.5], Kind.FLOAT),
        ([True, 2], Kind.INT),
        ([None, 1.0], Kind.FLOAT),
        ([None, 1], Kind.FLOAT),
        ([2**63], Kind.FLOAT),
        ([-(2**63), 2**63 - 1], Kind.INT),
    ],
)
def test_a_list_has_the_narrowest_type_that_holds_it(values, kind):
    assert kind_of(values) is kind


@pytest.mark.parametrize("values", [["a", 1], [[1]], [{}], [b"x"], ["\ud800"], [None, "a"]])
def test_what_files_cannot_hold_is_refused(values):
    with pytest.raises(ValueError):  # noqa: PT011 # the text is for people
        kind_of(values)


def test_text_goes_with_nothing_else():
    assert wider(Kind.TEXT, Kind.FLOAT) is None
    assert wider(Kind.BOOL, Kind.INT) is Kind.INT
    assert wider(Kind.FLOAT, Kind.BOOL) is Kind.FLOAT


def unpacked(kind, values):
    return list(array(CODES[kind], pack(kind, values)))


CODES = {Kind.FLOAT: "d", Kind.INT: "q", Kind.BOOL: "b"}


def test_ints_become_floats_in_a_float_column_and_missing_numbers_nan():
    assert unpacked(Kind.FLOAT, [0.5, 1]) == [0.5, 1.0]
    nan, two = unpacked(Kind.FLOAT, [None, 2])
    assert math.isnan(nan)
    assert two == 2.0


def test_a_misfit_says_what_would_fit():
    with pytest.raises(MisfitError) as caught:
        pack(Kind.INT, [3, 0.5])
    assert caught.value.kind is Kind.FLOAT


def test_a_bool_column_takes_no_numbers():
    assert unpacked(Kind.BOOL, [True, False]) == [1, 0]
    with pytest.raises(MisfitError):
        pack(Kind.BOOL, [1])


def test_an_integer_too_large_for_a_float_is_refused():
    with pytest.raises(ValueError, match="too large"):
        pack(Kind.FLOAT, [10**400])


numbers = (
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats()
    | st.text(st.characters(codec="utf-8"))
)


@given(st.sampled_from(list(CODES)), st.lists(numbers | st.none(), max_size=30))
def test_a_list_is_packed_whole_or_not_at_all(kind, values):
    with contextlib.suppress(MisfitError, ValueError):
        assert len(unpacked(kind, values)) == len(values)


@pytest.mark.parametrize("length", [1, LONG_LIST - 1, LONG_LIST, 1000])
@pytest.mark.parametrize(
    ("kind", "value", "stored"),
    [
        (Kind.FLOAT, 0.1, 0.1),
        (Kind.FLOAT, 3, 3.0),
        (Kind.FLOAT, True, 1.0),
        (Kind.FLOAT, 2**70, float(2**70)),
        (Kind.INT, -(2**63), -(2**63)),
        (Kind.INT, True, 1),
        (Kind.BOOL, True, 1),
    ],
)
def test_short_and_long_lists_are_stored_alike(length, kind, value, stored):
    assert unpacked(kind, [value] * length) == [stored] * length


@pytest.mark.parametrize("length", [1, LONG_LIST])
@pytest.mark.parametrize(("kind", "value"), [(Kind.INT, 0.5), (Kind.INT, 2**63), (Kind.INT, None)])
def test_short_and_long_lists_of_wider_numbers_are_misfits_alike(length, kind, value):
    with pytest.raises(MisfitError):
        pack(kind, [value] * length)
