"""Events that wait for a router: once, in order, and not too many."""

from ocsd.bridge.waiting import REMEMBERED, WINDOW_BYTES, WINDOW_EVENTS, WaitingEvents


def with_events(count, size_bytes=10, **limits):
    waiting = WaitingEvents(**limits)
    for number in range(count):
        waiting.add(number, "a.topic", [number], None, size_bytes, None)
    return waiting


def sent(waiting):
    """Take all that may be sent; return their arguments."""
    return [event.args[0] for event in iter(waiting.next, None)]


def test_events_are_sent_in_their_order():
    assert sent(with_events(5)) == [0, 1, 2, 3, 4]


def test_a_publication_that_two_subscriptions_bring_is_sent_once():
    waiting = with_events(3)
    waiting.add(1, "a.topic", [1], None, 10, None)
    assert sent(waiting) == [0, 1, 2]


def test_only_late_publications_are_remembered():
    waiting = with_events(REMEMBERED + 1)
    waiting.add(0, "a.topic", ["again"], None, 10, None)
    assert len(waiting) == REMEMBERED + 2


def test_what_is_not_confirmed_is_sent_again_before_what_came_later():
    waiting = with_events(4)
    assert sent(waiting) == [0, 1, 2, 3]
    waiting.confirmed(2)
    waiting.add(9, "a.topic", [9], None, 10, None)
    waiting.again()
    assert sent(waiting) == [2, 3, 9]


def test_what_is_confirmed_is_forgotten():
    waiting = with_events(3)
    sent(waiting)
    assert (waiting.last_sent, waiting.unconfirmed, waiting.size_bytes) == (3, 3, 30)
    waiting.confirmed(waiting.last_sent)
    assert (waiting.last_sent, waiting.unconfirmed, waiting.size_bytes) == (0, 0, 0)
    waiting.again()
    assert sent(waiting) == []


def test_a_router_that_confirms_nothing_gets_no_more_than_the_window():
    assert len(sent(with_events(WINDOW_EVENTS + 50))) == WINDOW_EVENTS
    large = with_events(5, size_bytes=WINDOW_BYTES // 2)
    assert sent(large) == [0, 1]
    large.confirmed(1)
    assert sent(large) == [2]


def test_beyond_the_limit_the_oldest_is_dropped_and_counted():
    waiting = with_events(10, most_events=4)
    assert (sent(waiting), waiting.dropped) == ([6, 7, 8, 9], 6)
    waiting = with_events(10, size_bytes=10, most_bytes=35)
    assert (sent(waiting), waiting.dropped, waiting.size_bytes) == ([7, 8, 9], 7, 30)


def test_what_is_under_way_is_dropped_last():
    waiting = with_events(3, most_events=3)
    sent(waiting)
    waiting.add(3, "a.topic", [3], None, 10, None)
    assert (len(waiting), waiting.dropped) == (3, 1)
    waiting.again()
    assert sent(waiting) == [0, 1, 2]


def test_an_event_larger_than_all_memory_for_them_is_dropped():
    waiting = with_events(1, size_bytes=50, most_bytes=40)
    assert (len(waiting), waiting.dropped, waiting.size_bytes) == (0, 1, 0)


def test_an_event_that_fits_into_no_message_is_counted():
    waiting = with_events(2)
    waiting.refused(waiting.next())
    assert (sent(waiting), waiting.dropped) == ([1], 1)


def test_what_was_sent_is_kept_until_it_is_confirmed():
    waiting = with_events(3, most_events=3)
    assert sent(waiting) == [0, 1, 2]
    waiting.add(9, "a.topic", [9], None, 10, None)
    assert (sent(waiting), waiting.dropped) == ([], 1)
    waiting.again()
    assert sent(waiting) == [0, 1, 2]
