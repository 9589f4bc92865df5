import json

from hypothesis import given
from hypothesis import strategies as st
from ocsd.aggregator.numbers.sequence import MOST_GAPS, Numbering


def add(sequence, *numbers):
    for number in numbers:
        sequence.add(number, 100.0 + number)


def test_numbers_in_order_are_one_range_from_the_first_that_came():
    sequence = Numbering()
    add(sequence, *range(5, 10))
    assert sequence.seen.bounds == [5, 10]
    assert (sequence.first, sequence.end, sequence.missing()) == (5, 10, [])


def test_a_session_that_began_later_than_the_folder_counts_from_zero():
    sequence = Numbering(from_zero=True)
    add(sequence, 3, 4)
    assert sequence.missing() == [(0, 3)]


def test_what_is_told_to_exist_is_missing_until_it_comes():
    sequence = Numbering()
    add(sequence, 0, 1)
    sequence.told(4)
    assert sequence.missing() == [(2, 4)]
    add(sequence, 3, 2)
    assert sequence.missing() == []


def test_a_gap_is_missing_until_it_is_filled_or_lost():
    sequence = Numbering()
    add(sequence, 0, 1, 8)
    assert sequence.missing_count == 6
    add(sequence, 4)
    assert sequence.missing() == [(2, 4), (5, 8)]
    sequence.give_up(5, 8)
    assert sequence.missing() == [(2, 4)]
    assert sequence.lost_count == 3
    add(sequence, 6)  # too late, and welcome
    assert sequence.lost_count == 2


def test_a_gap_knows_the_times_around_it():
    sequence = Numbering()
    add(sequence, 0, 1, 2, 7, 8, 9)
    assert sequence.around(3, 7) == (102.0, 107.0)
    assert sequence.around(10, 12) == (109.0, None)
    assert Numbering().around(0, 3) == (None, None)


@given(st.lists(st.integers(0, 30), unique=True))
def test_only_the_times_of_edges_are_kept_in_any_order(numbers):
    sequence = Numbering()
    add(sequence, *numbers)
    edges = {n for n in numbers if n - 1 not in numbers or n + 1 not in numbers}
    assert sequence.times == {n: 100.0 + n for n in edges}
    assert sequence.seen.count == len(numbers)
    if numbers:
        assert sequence.missing_count == max(numbers) - min(numbers) + 1 - len(numbers)
    again = Numbering.from_json(json.loads(json.dumps(sequence.to_json())))
    assert again == sequence


def test_memory_is_bounded_for_a_sender_that_leaves_gaps_everywhere():
    sequence = Numbering(from_zero=True)
    given_up = []
    for number in range(1, 10 * MOST_GAPS, 2):
        add(sequence, number)
        if sequence.crowded:
            given_up += sequence.surplus()
            sequence.forget_surplus()
    assert len(sequence.seen) <= MOST_GAPS + 1
    assert len(sequence.times) <= 2 * (MOST_GAPS + 1)
    assert len(given_up) + sequence.missing_count == 5 * MOST_GAPS
    assert given_up[:2] == [(0, 1), (2, 3)]


def test_memory_of_what_is_framed_is_bounded_too():
    sequence = Numbering(from_zero=True)
    for number in range(1, 10 * MOST_GAPS, 2):
        add(sequence, number)
        sequence.framed.add(number, number + 1)
        if sequence.crowded:
            sequence.forget_surplus()
    assert len(sequence.framed) <= MOST_GAPS + 1
    assert sequence.splits(0, sequence.end) == list(range(8 * MOST_GAPS, sequence.end))


def test_what_came_in_and_is_given_up_is_lost_and_not_taken_again():
    sequence = Numbering(from_zero=True)
    add(sequence, 0, 1, 2, 3, 8)
    sequence.give_up(2, 6)
    assert sequence.lost_count == 4
    assert sequence.missing() == [(6, 8)]
    assert 3 in sequence.seen
    add(sequence, 5)  # too late, and welcome
    again = Numbering.from_json(json.loads(json.dumps(sequence.to_json())))
    assert again == sequence
    assert again.lost_count == 3
