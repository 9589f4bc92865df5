"""Fetching from agents into a recorder, in simulated time."""

import errno

import pytest

from ocsd.aggregator.disk import upkeep
from ocsd.aggregator.disk.ledger import MEMORY_OF_SOURCE_S
from ocsd.aggregator.fetching.ask import Fetcher, Snapshot
from ocsd.aggregator.fetching.plan import TRANSIT_GRACE_S
from ocsd.aggregator.fetching.unanswered import why_unanswered
from ocsd.aggregator.recording.arrivals import SpoolIndex, SpoolPage
from ocsd.aggregator.recording.intake import Intake
from ocsd.aggregator.recording.recorder import FORGET_EVERY_S
from ocsd.bus.wamp import ApplicationError, TransportLost
from ocsd.journal.format import Outage
from tests.unit.aggregator.rig import START, Recording

AGENT = "observatory.thermo1"
FEED = f"{AGENT}.feeds.temps"
SESSION = repr(START + 1)  # after the folder began to be recorded


class Spool:
    """An agent that keeps messages, or refuses to answer."""

    def __init__(self):
        self.session = SESSION
        self.held = {}
        self.calls = []
        self.failure = None

    def keep(self, number, record=True):
        info = {
            "agent_address": AGENT,
            "address": FEED,
            "session_id": self.session,
            "record": record,
            "seq": number,
        }
        block = {"timestamps": [START + number], "data": {"n": [number]}}
        self.held[number] = [{"b": block}, info]

    def __call__(self, address, *args):
        self.calls.append(args)
        assert address == f"{AGENT}.spool"
        if self.failure is not None:
            raise self.failure
        if not args:
            row = {"first": min(self.held), "next": max(self.held) + 1}
            return {"sessions": {self.session: {"temps": row}}}
        feed, session_id, after, _size = args
        assert (feed, session_id) == ("temps", self.session)
        found = [self.held[n] for n in sorted(self.held) if n >= after]
        return {"first": min(self.held), "next": max(self.held) + 1, "messages": found[:3]}


class Fetching:
    """A recorder, a fetcher and one agent."""

    def __init__(self, recording):
        self.recording, self.recorder = recording, recording.recorder
        self.spool, self.intake = Spool(), Intake()
        self.fetcher = Fetcher(self.spool, self.intake, recording.log, recording.clock)

    def live(self, *numbers):
        for number in numbers:
            self.recording.send(
                [START + number], seq=number, info={"session_id": SESSION}, n=[number]
            )

    def run(self, seconds=3 * TRANSIT_GRACE_S):
        for _ in range(round(seconds)):
            self.recording.run(1)
            self.fetcher.agent_seen(AGENT, SESSION)
            self.fetcher.update(Snapshot.of(self.recorder))
            self.fetcher.step()
            while self.intake.waiting:
                self.finish()

    def finish(self):
        """Record what waits, as the aggregator's thread does."""
        self.intake.finish(self._record)

    def _record(self, arrivals):
        for arrival in arrivals:
            self.recorder.record(arrival)
            if isinstance(arrival, SpoolIndex | SpoolPage):
                self.fetcher.recorded(arrival, Snapshot.of(self.recorder))

    def recorded(self):
        self.recorder.close()
        return list(self.recording.raw("thermo1.feeds.temps", "n"))


@pytest.fixture
def fetching(recording):
    recording.clock.advance(2)
    return Fetching(recording)


def test_what_was_missed_is_fetched_page_by_page(fetching):
    fetching.live(0, 1, 9)
    for number in range(12):
        fetching.spool.keep(number)
    fetching.run()
    assert fetching.recorder.pending()
    assert all(each.missing == () for each in fetching.recorder.pending().values())
    assert fetching.fetcher.fetched == 9
    assert [args[2] for args in fetching.spool.calls if args] == [2, 5, 8, 11]
    assert sorted(fetching.recorded()) == list(range(12))


def test_what_nobody_has_becomes_a_hole_once_with_its_cause(fetching):
    fetching.live(0)
    fetching.recorder.record(Outage(START, START + 100, "the aggregator was not running"))
    for number in (4, 5):
        fetching.spool.keep(number)
    fetching.run()
    fetching.run()
    fetching.recorder.close()
    [hole] = fetching.recording.holes()
    assert (hole["first"], hole["last"]) == (1, 3)
    assert hole["cause"].startswith("the aggregator was not running (from 2026-11-22T")
    assert "; and the agent's spool reached back only to 2026-11-22T" in hole["cause"]


def test_what_the_recorder_refuses_is_not_asked_for_for_ever(fetching):
    fetching.live(0, 2)
    fetching.spool.keep(1, record=False)
    fetching.spool.keep(2)
    fetching.run()
    fetching.recorder.close()
    [hole] = fetching.recording.holes()
    assert (hole["first"], hole["last"]) == (1, 1)
    assert "quarantine" in hole["cause"]


def test_an_agent_that_fails_is_asked_again_and_that_is_said_once(fetching):
    fetching.live(0)
    fetching.spool.keep(0)
    fetching.spool.keep(1)
    fetching.spool.failure = ApplicationError("wamp.error.no_such_procedure", "no callee")
    fetching.run(20)
    fetching.spool.failure = None
    fetching.run(40)
    assert [line for line in fetching.recording.log.lines if "cannot ask" in line] == [
        f"cannot ask {AGENT} for missing messages: it has left the router, or offers no spool; "
        "it is asked again as long as its messages arrive"
    ]
    assert fetching.recorded() == [0, 1]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ApplicationError("wamp.error.canceled", "callee"), "it left the router before it had"),
        (ApplicationError("wamp.error.not_authorized"), "permissions in the router's config"),
        (ApplicationError("wamp.error.runtime_error", "[Errno 5] x"), "the error '[Errno 5] x'"),
        (ApplicationError("com.lab.odd"), "it answered with the error 'com.lab.odd'"),
        (ApplicationError("com.lab.odd", 10**5000), "it answered with the error a int that"),
        (TimeoutError("no answer within 15 s"), "no answer within 15 s"),
        (KeyError(), "KeyError"),
    ],
)
def test_operators_read_in_words_why_an_agent_did_not_answer(error, words):
    assert words in why_unanswered(error)
    assert "enc_algo" not in why_unanswered(error)


def test_while_there_is_no_link_to_the_router_nobody_is_asked(fetching):
    fetching.live(0)
    fetching.spool.keep(1)
    fetching.fetcher.agent_seen(AGENT, SESSION)
    fetching.fetcher.update(Snapshot.of(fetching.recorder))
    fetching.fetcher.link_lost()
    fetching.fetcher.step()
    assert fetching.spool.calls == []
    fetching.run()
    assert fetching.recorded() == [0, 1]


def test_that_the_link_was_cut_in_the_middle_of_an_answer_is_no_complaint_about_an_agent(fetching):
    fetching.live(0)
    fetching.spool.keep(1)
    fetching.spool.failure = TransportLost("the session ended: wamp.close.transport_lost")
    fetching.run()
    assert fetching.spool.calls
    assert not any("cannot ask" in line for line in fetching.recording.log.lines)


def test_a_disk_that_keeps_nothing_for_sure_is_no_reason_to_let_the_spools_overflow(
    fetching, monkeypatch
):
    monkeypatch.setattr(upkeep, "_sync", lambda _: OSError(errno.EIO, "Input/output error"))
    fetching.live(0)
    fetching.spool.keep(1)
    fetching.run()
    assert fetching.recorder.trouble
    assert fetching.recorded() == [0, 1]


def test_an_answer_that_makes_no_sense_is_a_failure(fetching):
    fetching.spool.held = {1: [], 0: []}
    fetching.live(0, 2)
    fetching.fetcher._call = lambda *_: "hello"
    fetching.run()
    assert any("its index is a str" in line for line in fetching.recording.log.lines)


@pytest.mark.parametrize("why", ["a crowded queue", "trouble"])
def test_nothing_is_fetched_that_could_not_be_recorded(fetching, why):
    fetching.live(0)
    fetching.spool.keep(1)
    if why == "trouble":
        fetching.fetcher.update(Snapshot(fetching.recorder.pending(), in_trouble=True))
    else:
        fetching.fetcher.update(Snapshot.of(fetching.recorder))
        fetching.intake.put(Outage(0.0, 0.0, ""), 2**30)
    fetching.fetcher.agent_seen(AGENT, SESSION)
    fetching.fetcher.step()
    assert fetching.spool.calls == []


def test_an_answer_to_an_earlier_run_is_ignored(fetching):
    fetching.live(0)
    fetching.spool.keep(1)
    fetching.fetcher.agent_seen(AGENT, SESSION)
    fetching.fetcher.update(Snapshot.of(fetching.recorder))
    fetching.fetcher.step()
    assert fetching.fetcher.asking == [AGENT]
    fetching.fetcher.forget()
    fetching.finish()
    assert fetching.fetcher.asking == []
    fetching.fetcher.step()
    assert len(fetching.spool.calls) == 1


def test_what_is_so_old_that_it_has_been_forgotten_is_not_fetched_again(fetching):
    fetching.spool.keep(0)
    fetching.recording.clock.advance(MEMORY_OF_SOURCE_S + 10)
    fetching.run()
    assert fetching.spool.calls == [()]
    assert fetching.recorder.pending() == {}


def test_a_life_of_the_agent_that_nobody_has_heard_is_fetched(fetching):
    for number in range(5):
        fetching.spool.keep(number)
    fetching.recording.clock.advance(MEMORY_OF_SOURCE_S - 100)
    fetching.run()
    assert fetching.recorded() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_life_that_began_with_a_clock_in_the_past_is_fetched_once(fetching, restarted):
    fetching.spool.session = "12.5"  # of 1970
    for number in range(5):
        fetching.spool.keep(number)
    fetching.recording.clock.advance(MEMORY_OF_SOURCE_S + 10)
    fetching.run()
    if restarted:
        fetching.recorder.close()
        recording = Recording(fetching.recording.folder, clock=fetching.recording.clock)
        recording.start()
        fetching = Fetching(recording)
        fetching.spool.session = "12.5"
        fetching.spool.keep(4)
    # The agent is away so long that another life of it would be forgotten.
    fetching.recording.clock.advance(MEMORY_OF_SOURCE_S + 10)
    fetching.live(0)
    fetching.recording.run(2 * FORGET_EVERY_S)
    fetching.run()
    assert fetching.recorded() == [0, 1, 2, 3, 4, 0]
