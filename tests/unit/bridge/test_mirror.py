"""What is held at a router follows what is wanted there."""

from ocsd.bridge.mirror import REFUSED_RETRY_S, Mirror


def wanting(*keys):
    mirror = Mirror()
    mirror.want(keys)
    return mirror


def test_what_is_wanted_is_requested_once():
    mirror = wanting("a", "b")
    assert mirror.due(0.0).take == ("a", "b")
    assert mirror.due(0.0).take == ()


def test_what_is_wanted_no_longer_is_given_up_under_its_number():
    mirror = wanting("a", "b")
    mirror.due(0.0)
    mirror.granted("a", 7)
    mirror.granted("b", 8)
    mirror.want(["b"])
    assert mirror.due(0.0).give_up == (("a", 7),)
    assert mirror.due(0.0) == ((), ())
    assert mirror.count == 1


def test_what_is_granted_after_it_was_wanted_is_given_up():
    mirror = wanting("a")
    mirror.due(0.0)
    mirror.want([])
    mirror.granted("a", 7)
    assert mirror.due(0.0).give_up == (("a", 7),)


def test_what_is_refused_is_told_and_requested_again_later():
    mirror = wanting("a")
    mirror.due(0.0)
    mirror.refuse("a", "not you", 0.0)
    assert mirror.refusals == {"a": "not you"}
    assert mirror.due(REFUSED_RETRY_S / 2).take == ()
    assert mirror.due(REFUSED_RETRY_S).take == ("a",)
    mirror.granted("a", 1)
    assert mirror.refusals == {}


def test_a_refusal_of_what_nobody_wants_any_more_is_forgotten():
    mirror = wanting("a", "b")
    mirror.due(0.0)
    mirror.refuse("a", "not you", 0.0)
    mirror.want([])
    mirror.refuse("b", "nor you", 0.0)
    assert mirror.refusals == {}


def test_what_is_taken_away_is_requested_again():
    mirror = wanting("a", "b")
    mirror.due(0.0)
    mirror.granted("a", 7)
    mirror.granted("b", 8)
    mirror.taken_away(7, "taken", 0.0)
    assert mirror.refusals == {"a": "taken"}
    assert mirror.due(REFUSED_RETRY_S).take == ("a",)


def test_all_that_is_wanted_is_requested_at_the_next_router():
    mirror = wanting("a", "b")
    mirror.due(0.0)
    mirror.granted("a", 7)
    mirror.lost()
    assert mirror.due(0.0) == (("a", "b"), ())
