import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsd.aggregator.disk.cause import LINK_AWAY, cause
from ocsd.aggregator.fetching.answers import read_index, read_numbers, read_page
from ocsd.aggregator.fetching.plan import AskPage
from ocsd.aggregator.numbers.source_key import SourceKey
from ocsd.aggregator.recording.arrivals import HeldRange, SpoolIndex, SpoolPage
from ocsd.journal.format import Outage

KEY = SourceKey("observatory.a.feeds.f", "2")
ASKED = AskPage("observatory.a", KEY, ((3, 10),), ended=False)
AT = 1_795_317_679.0  # 2026-11-22T03:21:19Z

ANYTHING = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.floats() | st.binary(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["first", "next", "messages", "sessions", "address", "seq", "a"]),
            inner,
            max_size=4,
        )
    ),
)


def answer(*numbers, end=None, key=KEY):
    info = {"address": key.address, "session_id": key.session_id}
    pairs = [[{"b": {"timestamps": [AT]}}, {**info, "seq": n}] for n in numbers]
    return {"first": min(numbers, default=0), "next": end or 20, "messages": pairs}


def whys(page):
    return [(each.first, each.last, each.why) for each in page.lost]


def test_what_lies_before_the_first_message_is_beyond_the_reach_of_the_spool():
    page = read_page(ASKED, answer(6, 7))
    assert [info["seq"] for _, info in page.messages] == [6, 7]
    why = "the agent's spool reached back only to 2026-11-22T03:21:19Z"
    assert whys(page) == [(3, 5, why)]
    assert page.end == 8


def test_what_lies_between_messages_is_lost():
    assert whys(read_page(ASKED, answer(3, 6))) == [(4, 5, "the agent's spool lacks them as well")]


def test_the_agents_own_reason_is_the_cause_of_the_loss():
    large = "the agent could not send it: it is too large: 20 of 16"
    told = {**answer(3, 8), "lost": [[5, "it is too large: 20 of 16"], [99, "other"]]}
    assert whys(read_page(ASKED, told)) == [
        (4, 4, "the agent's spool lacks them as well"),
        (5, 5, large),
        (6, 7, "the agent's spool lacks them as well"),
    ]
    nothing = {**answer(), "lost": [[9, "it is too large: 20 of 16"]]}
    held = "the agent's spool does not hold them any more"
    assert whys(read_page(ASKED, nothing)) == [(3, 8, held), (9, 9, large)]


@pytest.mark.parametrize("lost", [None, 3, [3], [[]], [["5", "x"]], [[5, 5]], [[5, "x", 1]], {}])
def test_reasons_without_sense_are_ignored(lost):
    assert read_page(ASKED, {**answer(3, 6), "lost": lost}) == read_page(ASKED, answer(3, 6))


def test_after_an_empty_answer_nothing_more_comes():
    assert whys(read_page(ASKED, answer())) == [
        (3, 9, "the agent's spool does not hold them any more")
    ]
    ended = AskPage("observatory.a", KEY, ((3, 10),), ended=True)
    nothing = {"first": 0, "next": 0, "messages": []}
    assert whys(read_page(ended, nothing)) == [
        (3, 9, "the agent has ended since, and its spool holds no more of that life")
    ]


def test_only_what_was_wanted_is_taken():
    asked = AskPage("observatory.a", KEY, ((3, 4), (6, 7)), ended=False)
    page = read_page(asked, answer(3, 4, 5, 6, 7))
    assert [info["seq"] for _, info in page.messages] == [3, 6]
    assert page.lost == ()


def test_messages_of_another_feed_are_no_answer():
    page = read_page(ASKED, answer(3, 4, key=SourceKey("observatory.b.feeds.f", "2")))
    assert page.messages == ()


def test_an_index_tells_what_is_held_of_which_session():
    told = {"sessions": {"1": {"f": {"address": "x", "first": 2, "next": 9}}, "2": {}}}
    held = {SourceKey("observatory.a.feeds.f", "1"): HeldRange(2, 9)}
    assert read_index("observatory.a", told) == SpoolIndex("observatory.a", held)


def test_of_a_heartbeat_only_what_makes_sense_is_taken():
    feeds = {"f": 3, "g": -1, "h": "3", "": 1, "i": True, "\ud800": 2}
    assert read_numbers("observatory.a", "2", feeds) == {KEY: 3}
    assert read_numbers("observatory.a", None, feeds) == {}
    assert read_numbers("observatory.a", "2", [1]) == {}


@pytest.mark.parametrize("read", [lambda a: read_index("a", a), lambda a: read_page(ASKED, a)])
@given(ANYTHING)
def test_an_answer_of_any_shape_is_read_or_refused(read, told):
    try:
        found = read(told)
    except ValueError:
        return
    assert isinstance(found, SpoolIndex | SpoolPage)


def test_a_cause_tells_what_happened_and_why_it_could_not_be_mended():
    outage = Outage(AT - 674, AT + 601, "the aggregator was not running")
    assert cause([outage], "the agent's spool reached back only to 2026-11-22T03:21:19Z") == (
        "the aggregator was not running (from 2026-11-22T03:10:05Z to 03:31:20Z); and "
        "the agent's spool reached back only to 2026-11-22T03:21:19Z"
    )
    overnight = Outage(AT - 86400, AT, LINK_AWAY)
    assert "(from 2026-11-21T03:21:19Z to 2026-11-22T03:21:19Z)" in cause([overnight], "x")
    assert cause([], "it is gone") == "the messages did not arrive, and it is gone"
