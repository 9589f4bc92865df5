"""The target of an instance, and the reason for it."""

from types import SimpleNamespace

import pytest

from ocsd.supervisor.events import State, Target
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.supervisor.wish import LEFT, MANAGED_DOWN, NOT_LAUNCHED, WITH_ALL, Cause, Wish, Word, wish

UP, DOWN = Target.UP, Target.DOWN
DONE = SimpleNamespace(target=DOWN, reason="ended with exit code 0")
FAILED = SimpleNamespace(target=UP, reason="ended with exit code 3")
PUT_DOWN = "put down on 2026-11-29T00:00:00Z by alice; `ocsd up a` starts it"
BY_ALICE = Word(DOWN, "alice", "2026-11-29T00:00:00Z")


@pytest.mark.parametrize(
    ("managed", "more", "expected"),
    [
        (UP, {}, Wish(UP, Cause.SITE_FILE)),
        (DOWN, {}, Wish(DOWN, Cause.SITE_FILE, MANAGED_DOWN)),
        (UP, {"word": BY_ALICE}, Wish(DOWN, Cause.OPERATOR, PUT_DOWN)),
        (DOWN, {"word": BY_ALICE}, Wish(DOWN, Cause.SITE_FILE, MANAGED_DOWN)),
        (DOWN, {"word": Word(UP)}, Wish(UP, Cause.OPERATOR)),
        (UP, {"end": DONE}, Wish(DOWN, Cause.ENDED, DONE.reason)),
        (UP, {"end": FAILED}, Wish(UP, Cause.ENDED, FAILED.reason)),
        (UP, {"end": FAILED, "word": BY_ALICE}, Wish(DOWN, Cause.OPERATOR, PUT_DOWN)),
        (UP, {"left": True, "end": DONE}, Wish(DOWN, Cause.LEFT, LEFT)),
        (UP, {"launched": False}, Wish(UP, Cause.LAUNCH, NOT_LAUNCHED)),
        (DOWN, {"launched": False}, Wish(DOWN, Cause.SITE_FILE, MANAGED_DOWN)),
    ],
)
def test_one_authority_decides_and_gives_the_reason(managed, more, expected):
    assert wish("a", managed, **more) == expected


def test_a_word_without_author_and_time_is_an_operators():
    reason = wish("a", UP, Word(DOWN)).reason
    assert reason == "put down by an operator; `ocsd up a` starts it"


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("cause", Cause)
def test_only_what_is_down_against_the_site_file_says_why(state, cause):
    explained = state is State.DOWN and cause in {Cause.OPERATOR, Cause.LAUNCH}
    why_down = Wish(DOWN, cause, "because").why_down(Lifecycle(state=state))
    assert why_down == ("because" if explained else "")


@pytest.mark.parametrize(
    ("word", "put_down"),
    [
        (BY_ALICE, True),
        (Word(DOWN), True),
        (Word(UP, "alice"), False),
        (Word(DOWN, f"alice{WITH_ALL}"), False),
    ],
)
def test_a_word_about_all_is_none_about_this_instance(word, put_down):
    assert word.is_put_down is put_down
