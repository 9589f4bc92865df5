from hypothesis import given
from hypothesis import strategies as st

from ocsd.journal.ranges import Ranges

spans = st.tuples(st.integers(0, 40), st.integers(1, 10)).map(lambda p: (p[0], p[0] + p[1]))


@given(st.lists(spans), spans)
def test_ranges_are_a_set_of_numbers(added, asked):
    ranges, numbers = Ranges(), set()
    for first, end in added:
        ranges.add(first, end)
        numbers |= set(range(first, end))
    assert {n for first, end in ranges for n in range(first, end)} == numbers
    assert all((n in ranges) == (n in numbers) for n in range(-2, 60))
    assert ranges.count == len(numbers)
    missing = {n for first, end in ranges.missing(*asked) for n in range(first, end)}
    assert missing == set(range(*asked)) - numbers
    # Ascending and apart: what touches is one range.
    assert all(one < other for one, other in zip(ranges.bounds, ranges.bounds[1:], strict=False))
    assert ranges == Ranges(ranges.bounds)


@given(st.lists(spans), st.integers(0, 50))
def test_one_number_can_be_taken_out(added, number):
    ranges, numbers = Ranges(), set()
    for first, end in added:
        ranges.add(first, end)
        numbers |= set(range(first, end))
    ranges.remove(number)
    assert {n for first, end in ranges for n in range(first, end)} == numbers - {number}
