"""How a host stands beside a new site file."""

import pytest

from ocsd.rollout.standing import Sight, Standing, obstacles

NEW, OLD = "f" * 64, "0" * 64
SAME = {"file_digest": NEW, "used_digest": NEW}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"away": "no answer"}, Standing.AWAY),
        ({"refusal": "line 3"}, Standing.REFUSES),
        (SAME, Standing.UP_TO_DATE),
        ({**SAME, "change": {"effects": {"a": "goes on"}}}, Standing.UP_TO_DATE),
        ({**SAME, "file_digest": OLD}, Standing.BEHIND),
        ({**SAME, "used_digest": OLD}, Standing.BEHIND),
        ({**SAME, "used_digest": ""}, Standing.UP_TO_DATE),
        ({**SAME, "used_digest": "", "change": {"effects": {"a": "ends"}}}, Standing.BEHIND),
        ({**SAME, "version": "1", "installed": "2"}, Standing.BEHIND),
        ({**SAME, "version": "1", "installed": "1"}, Standing.UP_TO_DATE),
        ({**SAME, "version": "1", "installed": "1", "new_code": True}, Standing.BEHIND),
        ({**SAME, "version": "1", "new_code": True}, Standing.UP_TO_DATE),
    ],
)
def test_a_host_is_away_refuses_is_behind_or_up_to_date(facts, expected):
    assert Sight("a", **facts).standing(NEW) is expected


def test_a_host_can_go_back_if_it_used_another_file():
    assert Sight("a", used_digest=OLD, file_digest=NEW).can_go_back(NEW)
    assert Sight("a", used_digest="", file_digest=OLD).can_go_back(NEW)
    assert not Sight("a", **SAME).can_go_back(NEW)


def test_only_what_starts_restarts_or_ends_moves():
    effects = {"a": "starts", "b": "restarts", "c": "ends", "d": "goes on", "e": "stays down"}
    sight = Sight("a", change={"effects": effects})
    assert list(sight.moves) == ["a", "b", "c"]
    assert Sight("a").moves == {}


@pytest.mark.parametrize(
    ("has", "uses", "words"),
    [
        (NEW, NEW, "this one"),
        (OLD, OLD, "000000000000"),
        (NEW, OLD, "this one, not in use; in use: 000000000000"),
        (OLD, "", "000000000000"),
        ("", "", "unknown"),
    ],
)
def test_the_version_of_its_file_is_told_in_words(has, uses, words):
    assert Sight("a", file_digest=has, used_digest=uses).file_words(NEW) == words


def test_what_refuses_the_file_is_an_obstacle_for_all():
    sights = (Sight("a", refusal="line 3"), Sight("b", away="no answer"), Sight("c"))
    assert list(obstacles(sights, NEW)) == ["a: line 3"]
