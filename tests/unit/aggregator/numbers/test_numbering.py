import json

from hypothesis import given
from hypothesis import strategies as st

from ocsd.aggregator.numbers.numbering import MOST_GAPS, Numbering


def add(numbering, *numbers):
    for number in numbers:
        numbering.add(number, 100.0 + number)


def test_numbers_in_order_are_one_range_from_the_first_that_came():
    numbering = Numbering()
    add(numbering, *range(5, 10))
    assert numbering.seen.bounds == [5, 10]
    assert (numbering.first, numbering.end, numbering.missing()) == (5, 10, [])


def test_a_session_that_began_later_than_the_folder_counts_from_zero():
    numbering = Numbering(from_zero=True)
    add(numbering, 3, 4)
    assert numbering.missing() == [(0, 3)]


def test_what_is_told_to_exist_is_missing_until_it_comes():
    numbering = Numbering()
    add(numbering, 0, 1)
    numbering.extend_to(4)
    assert numbering.missing() == [(2, 4)]
    add(numbering, 3, 2)
    assert numbering.missing() == []


def test_a_gap_is_missing_until_it_is_filled_or_lost():
    numbering = Numbering()
    add(numbering, 0, 1, 8)
    assert numbering.missing_count == 6
    add(numbering, 4)
    assert numbering.missing() == [(2, 4), (5, 8)]
    numbering.give_up(5, 8)
    assert numbering.missing() == [(2, 4)]
    assert numbering.lost_count == 3
    add(numbering, 6)  # too late, and welcome
    assert numbering.lost_count == 2


def test_a_gap_knows_the_times_around_it():
    numbering = Numbering()
    add(numbering, 0, 1, 2, 7, 8, 9)
    assert numbering.around(3, 7) == (102.0, 107.0)
    assert numbering.around(10, 12) == (109.0, None)
    assert Numbering().around(0, 3) == (None, None)


@given(st.lists(st.integers(0, 30), unique=True))
def test_only_the_times_of_edges_are_kept_in_any_order(numbers):
    numbering = Numbering()
    add(numbering, *numbers)
    edges = {n for n in numbers if n - 1 not in numbers or n + 1 not in numbers}
    assert numbering.times == {n: 100.0 + n for n in edges}
    assert numbering.seen.count == len(numbers)
    if numbers:
        assert numbering.missing_count == max(numbers) - min(numbers) + 1 - len(numbers)
    again = Numbering.from_json(json.loads(json.dumps(numbering.to_json())))
    assert again == numbering


def test_memory_is_bounded_for_a_sender_that_leaves_gaps_everywhere():
    numbering = Numbering(from_zero=True)
    given_up = []
    for number in range(1, 10 * MOST_GAPS, 2):
        add(numbering, number)
        if numbering.crowded:
            given_up += numbering.surplus()
            numbering.forget_surplus()
    assert len(numbering.seen) <= MOST_GAPS + 1
    assert len(numbering.times) <= 2 * (MOST_GAPS + 1)
    assert len(given_up) + numbering.missing_count == 5 * MOST_GAPS
    assert given_up[:2] == [(0, 1), (2, 3)]


def test_memory_of_what_is_framed_is_bounded_too():
    numbering = Numbering(from_zero=True)
    for number in range(1, 10 * MOST_GAPS, 2):
        add(numbering, number)
        numbering.framed.add(number, number + 1)
        if numbering.crowded:
            numbering.forget_surplus()
    assert len(numbering.framed) <= MOST_GAPS + 1
    assert numbering.splits(0, numbering.end) == list(range(8 * MOST_GAPS, numbering.end))


def test_what_came_in_and_is_given_up_is_lost_and_not_taken_again():
    numbering = Numbering(from_zero=True)
    add(numbering, 0, 1, 2, 3, 8)
    numbering.give_up(2, 6)
    assert numbering.lost_count == 4
    assert numbering.missing() == [(6, 8)]
    assert 3 in numbering.seen
    add(numbering, 5)  # too late, and welcome
    again = Numbering.from_json(json.loads(json.dumps(numbering.to_json())))
    assert again == numbering
    assert again.lost_count == 3
