from hypothesis import given
from hypothesis import strategies as st

from ocsd.aggregator.sequence import MOST_HOLES, Sequence


def test_numbers_in_order_are_one_run():
    sequence = Sequence()
    assert all(sequence.add(number) for number in range(5, 10))
    assert sequence.runs == [[5, 10]]
    assert (sequence.missing, sequence.duplicates) == (0, 0)


def test_a_repeated_number_is_a_duplicate():
    sequence = Sequence()
    assert [sequence.add(n) for n in (0, 1, 2, 1, 2, 3)] == [True, True, True, False, False, True]
    assert sequence.duplicates == 2


def test_a_gap_is_missing_until_it_is_filled():
    sequence = Sequence()
    for number in (0, 1, 5):
        sequence.add(number)
    assert sequence.missing == 3
    assert sequence.holes() == [(2, 5)]
    for number in (3, 4, 2):
        assert sequence.add(number)
    assert sequence.runs == [[0, 6]]
    assert sequence.missing == 0


@given(st.lists(st.integers(0, 30)))
def test_every_number_is_taken_exactly_once_in_any_order(numbers):
    sequence = Sequence()
    taken = [number for number in numbers if sequence.add(number)]
    assert sorted(taken) == sorted(set(numbers))
    assert sequence.duplicates == len(numbers) - len(set(numbers))
    if numbers:
        span = max(numbers) - min(numbers) + 1
        assert sequence.missing == span - len(set(numbers))
        assert sum(end - start for start, end in sequence.holes()) == sequence.missing


def test_memory_is_bounded_for_a_sender_that_leaves_holes_everywhere():
    sequence = Sequence()
    for number in range(0, 10 * MOST_HOLES, 2):
        assert sequence.add(number)
    assert len(sequence.runs) <= MOST_HOLES
    assert not sequence.add(0)
