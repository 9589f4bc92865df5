"""Who is asked for what, without agents: the planner against a model of the world."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.aggregator.fetching.answers import read_page
from ocsd.aggregator.fetching.plan import (
    AGENT_SILENCE_LIMIT_S,
    LONGEST_ASK_DELAY_S,
    MOST_REQUESTS,
    PAGE_BYTES,
    SMALL_PAGE_BYTES,
    TRANSIT_GRACE_S,
    AskIndex,
    AskPage,
    CatchingUp,
)
from ocsd.aggregator.numbers.numbering import Numbering
from ocsd.aggregator.numbers.source_key import Pending, SourceKey
from ocsd.journal.ranges import Ranges

KEY = SourceKey("observatory.a.feeds.f", "2")
EARLIER = SourceKey("observatory.a.feeds.f", "1")


def lacks(*missing, sender="observatory.a", first_number=0, from_zero=True):
    end = missing[-1][1] + 1 if missing else 0
    return Pending(sender, end, missing, first_number, from_zero)


@pytest.fixture
def plan():
    """A planner whose agent `a` has been heard and has told what it holds."""
    plan = CatchingUp()
    plan.agent_seen("observatory.a", "2", 0.0)
    [index] = plan.plan(0.0)
    assert index == AskIndex("observatory.a")
    plan.answered(index.agent, 0, 0.0)
    return plan


def ripe(plan, pending, now_s=0.0):
    """Let the planner know, and some time pass; return the time."""
    plan.update(pending, now_s)
    now_s += TRANSIT_GRACE_S
    plan.agent_seen("observatory.a", "2", now_s)
    plan.update(pending, now_s)
    return now_s


def test_an_agent_is_asked_first_what_it_holds_and_only_once(plan):
    plan.agent_seen("observatory.a", "2", 1.0)
    assert plan.plan(1.0) == []


@pytest.mark.parametrize("what", ["another life", "silence", "a new link", "another recorder"])
def test_an_agent_is_asked_again_what_it_holds_after(plan, what):
    now_s = 1.0
    session_id = "3" if what == "another life" else "2"
    if what == "silence":
        now_s += AGENT_SILENCE_LIMIT_S
    if what == "a new link":
        plan.link_lost()
        assert plan.plan(now_s) == []  # It has to be heard first.
    plan.agent_seen("observatory.a", session_id, now_s)
    if what == "another recorder":
        plan.recorder_told("observatory.a", "lab")
    assert plan.plan(now_s) == [AskIndex("observatory.a")]


def test_an_agent_that_has_the_same_recorder_is_not_asked_again(plan):
    plan.recorder_told("observatory.a", None)
    plan.recorder_told("observatory.unknown", "lab")
    plan.agent_seen("observatory.a", "2", 1.0)
    assert plan.plan(1.0) == []


def test_what_may_be_on_its_way_is_given_some_time(plan):
    pending = {KEY: lacks((3, 5))}
    plan.update(pending, 0.0)
    plan.update(pending, TRANSIT_GRACE_S - 0.1)
    assert plan.plan(TRANSIT_GRACE_S - 0.1) == []
    request = AskPage("observatory.a", KEY, ((3, 5),), ended=False, max_bytes=SMALL_PAGE_BYTES)
    assert plan.plan(TRANSIT_GRACE_S) == [request]


def test_what_became_known_later_is_not_asked_for_yet(plan):
    plan.update({KEY: lacks((3, 5))}, 0.0)
    plan.update({KEY: lacks((3, 5), (7, 9))}, 2.0)
    [page] = plan.plan(TRANSIT_GRACE_S)
    assert page.wanted == ((3, 5),)


def test_an_agent_is_asked_for_one_thing_at_a_time(plan):
    now_s = ripe(plan, {KEY: lacks((0, 5)), EARLIER: lacks((0, 7))})
    [first] = plan.plan(now_s)
    assert plan.plan(now_s) == []
    plan.update({EARLIER: lacks((0, 7))}, now_s)
    plan.answered(first.agent, 5, now_s)
    [second] = plan.plan(now_s)
    assert (second.key, second.ended) == (EARLIER, True)
    assert second.feed_name == "f"


def test_few_agents_are_asked_at_once_and_each_gets_its_turn():
    plan = CatchingUp()
    names = [f"observatory.a{number}" for number in range(10)]
    for name in names:
        plan.agent_seen(name, "1", 0.0)
    asked = []
    while requests := plan.plan(0.0):
        assert len(plan.in_flight) <= MOST_REQUESTS
        asked += [request.agent for request in requests]
        plan.answered(requests[0].agent, 0, 0.0)
        for request in requests[1:]:
            plan.answered(request.agent, 0, 0.0)
    assert asked == names


def test_an_agent_that_is_away_keeps_its_numbers_and_is_not_asked(plan):
    pending = {KEY: lacks((0, 5))}
    plan.update(pending, 0.0)
    plan.update(pending, 100.0)
    assert plan.plan(100.0) == []
    plan.agent_seen("observatory.a", "3", 100.0)
    [index] = plan.plan(100.0)
    plan.answered(index.agent, 0, 100.0)
    request = AskPage("observatory.a", KEY, ((0, 5),), ended=True, max_bytes=SMALL_PAGE_BYTES)
    assert plan.plan(100.0) == [request]


def test_who_does_not_answer_is_asked_less_and_less_often_but_for_ever(plan):
    now_s = ripe(plan, {KEY: lacks((0, 5))})
    [request] = plan.plan(now_s)
    delays = []
    for _ in range(12):
        plan.failed(request, now_s)
        failed_s = now_s
        while not plan.plan(now_s):
            now_s += 0.25
            plan.agent_seen("observatory.a", "2", now_s)
        delays.append(now_s - failed_s)
    assert delays[0] == 1.0
    assert delays[-1] == LONGEST_ASK_DELAY_S


def test_an_answer_that_could_not_be_recorded_is_not_asked_for_again_at_once(plan):
    pending = {KEY: lacks((0, 5))}
    now_s = ripe(plan, pending)
    [request] = plan.plan(now_s)
    plan.update(pending, now_s)
    plan.answered(request.agent, 5, now_s)
    assert plan.plan(now_s) == []
    assert plan.plan(now_s + 1.0) == [request]


def test_a_few_messages_are_asked_for_in_a_small_page(plan):
    now_s = ripe(plan, {KEY: lacks((3, 5))})
    assert plan.plan(now_s)[0].max_bytes == SMALL_PAGE_BYTES


def test_who_sends_no_page_in_time_is_asked_for_smaller_ones(plan):
    pending = {KEY: lacks((0, 5000))}
    now_s, sizes = ripe(plan, pending), []
    for _ in range(6):
        [request] = plan.plan(now_s)
        sizes.append(request.max_bytes)
        plan.failed(request, now_s)
        now_s += LONGEST_ASK_DELAY_S
        plan.agent_seen("observatory.a", "2", now_s)
        [index] = plan.plan(now_s)  # It was silent for so long.
        plan.answered(index.agent, 0, now_s)
    assert sizes == [PAGE_BYTES, 2**19, 2**18, 2**17, SMALL_PAGE_BYTES, SMALL_PAGE_BYTES]
    for size in (2**16, 2**17, 2**18):
        [request] = plan.plan(now_s)
        assert request.max_bytes == size
        plan.update({KEY: lacks((request.after + 1, 5000))}, now_s)
        plan.answered(request.agent, request.after + 1, now_s)


def test_more_than_has_to_be_recorded_is_taken_if_it_is_held(plan):
    pending = {KEY: lacks(first_number=100, from_zero=False)}
    plan.holds({KEY: 60})
    now_s = ripe(plan, pending)
    [request] = plan.plan(now_s)
    assert request.wanted == ((60, 100),)
    plan.update(pending, now_s)
    plan.answered(request.agent, 100, now_s)  # none of it was there after all
    plan.update(pending, now_s)
    assert plan.plan(now_s + 100) == []


def test_a_feed_that_does_not_belong_to_its_sender_is_nobodys(plan):
    now_s = ripe(plan, {SourceKey("observatory.b.feeds.f", "1"): lacks((0, 5))})
    assert plan.plan(now_s) == []


class World:
    """Agents with spools, and a recorder that takes what it gets."""

    def __init__(self, feeds, page):
        self.page = page
        self.spools = {}
        self.numberings = {}
        for number, (held, seen, end, from_zero) in enumerate(feeds):
            key = SourceKey(f"observatory.a{number % 3}.feeds.f{number}", str(number % 2))
            self.spools[key] = {n for n in held if n < end}
            numbering = self.numberings[key] = Numbering(from_zero=from_zero)
            for n in seen:
                numbering.add(n, float(n))
            numbering.extend_to(end)
        self.before = {key: set(numbers(each.seen)) for key, each in self.numberings.items()}
        self.taken = {key: [] for key in self.numberings}

    def pending(self):
        return {
            key: Pending(
                sender=key.address.split(".feeds.")[0],
                next_number=each.end,
                missing=tuple(each.missing()),
                first_number=each.first,
                from_zero=each.from_zero,
            )
            for key, each in self.numberings.items()
        }

    def answer(self, request):
        spool = self.spools[request.key]
        held = sorted(n for n in spool if n >= request.after)[: self.page]
        info = {"address": request.key.address, "session_id": request.key.session_id}
        return {
            "first": min(spool, default=0),
            "next": max(spool, default=-1) + 1,
            "messages": [[{}, {**info, "seq": n}] for n in held],
        }

    def record(self, request, page):
        numbering = self.numberings[request.key]
        for _, info in page.messages:
            if info["seq"] not in numbering.seen:
                numbering.add(info["seq"], 0.0)
                self.taken[request.key].append(info["seq"])
        for lost in page.lost:
            for first, end in numbering.missing():
                if first <= lost.last and end > lost.first:
                    numbering.give_up(max(first, lost.first), min(end, lost.last + 1))


def numbers(ranges):
    return [n for first, end in ranges for n in range(first, end)]


SETS = st.sets(st.integers(0, 30), max_size=25)
FEEDS = st.lists(st.tuples(SETS, SETS, st.integers(0, 35), st.booleans()), min_size=1, max_size=7)


@settings(max_examples=200, deadline=None)
@given(FEEDS, st.integers(1, 5), st.lists(st.booleans(), max_size=20))
def test_from_any_state_everything_is_asked_for_until_nothing_is_missing(feeds, page, failures):
    world, plan = World(feeds, page), CatchingUp()
    failures = iter(failures)
    now_s = 0.0
    for _ in range(250):
        for name in ("observatory.a0", "observatory.a1", "observatory.a2"):
            plan.agent_seen(name, "1", now_s)
        plan.update(world.pending(), now_s)
        for request in plan.plan(now_s):
            if next(failures, False):
                plan.failed(request, now_s)
            elif isinstance(request, AskIndex):
                plan.holds({k: min(s) for k, s in world.spools.items() if s})
                plan.update(world.pending(), now_s)
                plan.answered(request.agent, 0, now_s)
            else:
                found = read_page(request, world.answer(request))
                world.record(request, found)
                plan.update(world.pending(), now_s)
                plan.answered(request.agent, found.end, now_s)
        now_s += 4.0
    assert plan.in_flight == []
    for key, numbering in world.numberings.items():
        spool, seen = world.spools[key], set(numbers(numbering.seen))
        assert numbering.missing() == []
        assert len(set(world.taken[key])) == len(world.taken[key])
        assert spool | world.before[key] == seen
        assert set(numbers(numbering.lost)).isdisjoint(seen)


@given(st.lists(st.integers(0, 20), max_size=20), st.integers(0, 25))
def test_every_wanted_number_before_the_end_of_a_page_is_here_or_lost(held, end):
    request = AskPage("observatory.a", KEY, ((2, 4), (6, 20)), ended=False)
    info = {"address": KEY.address, "session_id": KEY.session_id}
    pairs = [[{}, {**info, "seq": n}] for n in held]
    page = read_page(request, {"first": 0, "next": end, "messages": pairs})
    found = {info["seq"] for _, info in page.messages}
    lost = Ranges()
    for each in page.lost:
        lost.add(each.first, each.last + 1)
    wanted = {n for first, last in request.wanted for n in range(first, last) if n < page.end}
    assert found | set(numbers(lost)) == wanted
    assert found.isdisjoint(numbers(lost))
    assert page.end > request.after
