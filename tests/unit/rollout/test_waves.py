"""The order of hosts, and how many take the file at once."""

import pytest

from ocsd.errors import UsageError
from ocsd.rollout.standing import Sight
from ocsd.rollout.waves import ordered, sizes, waves


def host(name, *, runs_router=False, **effects):
    return Sight(name, runs_router=runs_router, change={"effects": effects})


def names(sights):
    return [sight.host for sight in sights]


@pytest.mark.parametrize(
    ("text", "expected"), [("1", (1,)), ("1, 3,rest", (1, 3, None)), ("rest", (None,))]
)
def test_sizes_of_waves_are_read(text, expected):
    assert sizes(text) == expected


@pytest.mark.parametrize("text", ["", "0", "rest,1", "1,,2", "-1", "all"])
def test_other_sizes_are_refused_with_an_example(text):
    with pytest.raises(UsageError, match=r"e\.g\. 1,3,rest"):
        sizes(text)


def test_hosts_keep_their_order_and_that_of_the_router_is_the_last():
    sights = [host("hub", runs_router=True), host("b"), host("a")]
    assert names(ordered(sights)) == ["b", "a", "hub"]


def test_who_gives_an_instance_up_comes_before_who_gets_it():
    sights = [host("a", x="starts"), host("b", x="restarts"), host("c", x="ends")]
    assert names(ordered(sights)) == ["b", "c", "a"]


def test_two_hosts_that_swap_instances_keep_their_order():
    sights = [host("a", x="starts", y="ends"), host("b", x="ends", y="starts")]
    assert names(ordered(sights)) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", ["a", "b", "c", "d"]),
        ("1,2", ["a", "bc", "d"]),
        ("1,rest", ["a", "bcd"]),
        ("rest", ["abcd"]),
        ("9", ["abcd"]),
    ],
)
def test_the_last_size_holds_for_all_further_waves(text, expected):
    found = waves([host(name) for name in "abcd"], sizes(text))
    assert ["".join(wave) for wave in found] == expected


@pytest.mark.parametrize("effects", [("ends", "starts"), ("starts", "ends")])
def test_an_instance_never_moves_within_a_wave(effects):
    first, second = effects
    sights = [host("a", x=first), host("b", x=second), host("c")]
    assert waves(sights, (None,)) == (("a",), ("b", "c"))


def test_no_hosts_make_no_wave():
    assert waves([], (1,)) == ()
