"""Reports of the agent's health to the supervisor (sd_notify(3)).

``READY=1`` means that the agent is joined, ``WATCHDOG=1`` that its reactor runs. ``STATUS``
is a complaint, or empty if all is well. ``X_CALL`` and ``X_FEEDS`` are complaints about these
layers, ``X_OPERATIONS`` the operations that run and since when, ``X_RUNS`` the latest run of each
operation, ``X_REQUESTS`` the requests of clients since the report before, ``X_SAMPLE_AGE`` the
age of the newest sample, ``X_CODE`` the file of the agent's code, ``X_CHANGED_CODE`` a file of it
that was written or removed since it was loaded, ``X_SESSION`` the session-id. All that begin with X
are left out if they are empty and were so in the report before. ``READY=1`` and ``WATCHDOG=1``
alone mean that all else is as in the report before. A heartbeat says the same to a supervisor that
hears those of its agents (`ocsd.system.notify.HEARTBEATS_HEARD`).
"""

import time
from collections.abc import Callable, Iterable
from math import inf
from typing import Any

from ocsd.agent.operations.session import OpSession
from ocsd.agent.wellbeing import this_process
from ocsd.agent.wellbeing.activity import last_words, runs_of, sample_age
from ocsd.agent.wellbeing.own_code import OWN_CODE
from ocsd.agent.wellbeing.self_call import SelfCall
from ocsd.reactor.lookout import LOOKOUT
from ocsd.reactor.threads import the_reactor
from ocsd.reactor.ticker import Ticker
from ocsd.system.notify import (
    LIFE_PERIOD_S,
    Delivery,
    Receiver,
    hears_heartbeats,
    notify,
    receiver_finder,
)
from ocsd.system.runs import (
    CHANGED_CODE_KEY,
    REQUESTS_KEY,
    RUNS_KEY,
    SAMPLE_KEY,
    SESSION_KEY,
    encode_requests,
)
from ocsd.text.reason import shortened

REPORT_PERIOD_S = 1.0
# Tickers are not exact: a report that is due this much later is made now [s].
SLACK_S = 0.5
# Time between two checks of session data that no client asks for [s].
DATA_PERIOD_S = 5.0
# Time between two checks whether another file can be opened [s].
SHORTAGE_PERIOD_S = 10.0
# Time after which the code file is reported again, because the supervisor may be new [s].
CODE_PERIOD_S = 30.0
# Longest status [characters]: with hundreds of agents datagrams should be cheap.
LONGEST_STATUS = 2000
# Delay before a report is repeated that did not fit into the supervisor's queue, as happens
# when many agents start at once [s].
BUSY_RETRY_S = 0.02


class Readiness:
    """Looks every second for something to report, and reports what has changed, or that it lives.

    As long as all is well, it looks every second at the operations, the requests and the samples
    only. What nothing but time brings, such as the silence of a feed, it then notices after
    three seconds.

    `send` takes the assignments of one notification as keyword arguments. `shortage` returns
    a complaint if this process cannot open another file, else nothing. `receiver` returns
    something else for each supervisor: a new one gets a report at once.
    """

    def __init__(
        self,
        agent: Any,
        send: Callable[..., object] = notify,
        shortage: Callable[[], str] = this_process.shortage,
        receiver: Callable[[], Receiver | None] | None = None,
    ) -> None:
        self._agent = agent
        self._send = send
        self._find_shortage = shortage
        self._find_receiver = receiver or receiver_finder()
        self._connection: Any = None
        self._ticker = Ticker(REPORT_PERIOD_S, self.look)
        self._retry: Any = None
        self._reactor: Any = None
        self._stopped = False
        self._self_call = SelfCall(agent)
        self._reported: dict[str, str] = {}
        self._said: tuple[object, ...] = ()
        self._noticed: list[object] = []
        self._receiver: Receiver | None = None
        self._is_well = self._is_idle = False
        self._looked_at_s = -inf
        self._shortage = ""
        self._data_due_s = self._shortage_due_s = self._code_due_s = self._sent_at_s = -inf
        self._sampled_at_s = -inf

    def start(self, connection: Any) -> None:
        """Begin to report."""
        self._connection = connection
        self._reactor = the_reactor()
        # Before it is up: a file that is written from then on was written after it was loaded.
        OWN_CODE.check()
        self._ticker.start()

    def stop(self) -> None:
        """Report that the agent is about to end."""
        self._stopped = True
        self._ticker.stop()
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        requests = encode_requests(self._agent.operations.requests)
        news = {REQUESTS_KEY: requests} if requests else {}
        self._send(STOPPING=1, STATUS="ending", **news)

    def look(self) -> None:
        """Report what has happened; call it every second."""
        now_s = self._reactor.seconds()
        receiver = self._find_receiver()
        if receiver != self._receiver:
            # Another supervisor, or somebody has knocked (`ocsd.system.notify.knock`).
            self._receiver = receiver
            LOOKOUT.hurry()
        noticed = self._notice()
        is_due = now_s - self._looked_at_s > LIFE_PERIOD_S - SLACK_S
        # A request is forgotten when it has been passed on.
        has_more = noticed != self._noticed or bool(self._agent.operations.requests)
        if has_more or not self._is_well:
            self._noticed = noticed
            self.report()
        elif is_due:
            self._show_life(now_s)
        else:
            self._report_sample()

    def _notice(self) -> list[object]:
        """Return what changes when something happens that is to be reported within a second."""
        agent = self._agent
        noticed = [
            self._receiver,
            agent.trouble,
            agent.blocked,
            OWN_CODE.changed,
        ]
        for session in agent.sessions.values():
            if session is not None:
                noticed += (session, session.status, session.success, session.degraded)
                noticed += session.messages[-1:]
        if agent.facts:
            noticed += [fact() for fact in agent.facts.values()]
        return noticed

    def _show_life(self, now_s: float) -> None:
        """Report that the agent lives, and all else unless it is as the supervisor knows it."""
        if not self._is_as_told(now_s):
            self.report()
            return
        self._looked_at_s = now_s
        if hears_heartbeats(self._receiver) and self._agent.heartbeat.is_published:
            return  # They come from this reactor, too.
        delivery = self._send(READY=1, WATCHDOG=1)
        if delivery is Delivery.BUSY:
            self._retry_soon()
        elif delivery is Delivery.DONE:
            self._sent_at_s = now_s

    def _is_as_told(self, now_s: float) -> bool:
        """Whether an idle agent, in which nothing has happened, is still as its last report says.

        Only what time brings is checked. The code's file is due now and then, and all else with it.
        """
        if not self._is_idle or now_s >= self._code_due_s or not self._connection.joined:
            return False
        self._look_for_shortage(now_s)
        has_new_sample = self._newest_sample_s() > self._sampled_at_s
        has_fault = self._call_fault() or self._silent_feeds() or any(self._troubles(now_s))
        return not (has_new_sample or has_fault)

    def _report_sample(self) -> None:
        """Report the first sample after a pause; the age of others goes with the sign of life."""
        newest_s = self._newest_sample_s()
        # Before the first sample the difference is no number.
        if newest_s - self._sampled_at_s >= LIFE_PERIOD_S:
            age = sample_age(tuple(self._agent.feeds.values()), time.monotonic())
            if self._send(READY=1, WATCHDOG=1, **{SAMPLE_KEY: age}) is Delivery.DONE:
                self._sampled_at_s = newest_s

    def _newest_sample_s(self) -> float:
        newest_s = -inf
        for feed in tuple(self._agent.feeds.values()):  # Threads may register more meanwhile.
            if feed.record and feed.sampled_at_s > newest_s:
                newest_s = feed.sampled_at_s
        return newest_s

    def report(self) -> None:
        """Report now, if there is something to report."""
        if self._connection is None:
            return
        now_s = self._looked_at_s = self._reactor.seconds()
        self._look_for_shortage(now_s)
        requests = tuple(self._agent.operations.requests)
        details = {**self._details(now_s), REQUESTS_KEY: encode_requests(requests)}
        news = {key: text for key, text in details.items() if text or self._reported.get(key)}
        status = self._status(now_s)
        self._is_well = not any((status["STATUS"], details["X_CALL"], details["X_FEEDS"]))
        self._is_idle = "READY" in status and not details["X_OPERATIONS"]
        said = self._noticed[:1], status, self._without_ages(news)
        if self._is_old(said, now_s):
            return
        newest_s = self._newest_sample_s()
        delivery = self._send(**status, **news)
        if delivery is Delivery.BUSY:
            self._retry_soon()
        elif "X_CODE" in details:
            self._code_due_s = now_s + CODE_PERIOD_S
        if delivery is Delivery.DONE:
            self._reported, self._said = details, said
            self._sent_at_s, self._sampled_at_s = now_s, newest_s
            self._agent.operations.forget(len(requests))
        else:
            self._is_idle = False

    def _is_old(self, said: tuple[object, ...], now_s: float) -> bool:
        """Whether a report would tell the supervisor nothing that it does not know."""
        is_due = now_s - self._sent_at_s >= LIFE_PERIOD_S - SLACK_S
        has_new_sample = self._newest_sample_s() > self._sampled_at_s
        return said == self._said and not is_due and not has_new_sample

    def _look_for_shortage(self, now_s: float) -> None:
        if now_s >= self._shortage_due_s:
            self._shortage_due_s = now_s + SHORTAGE_PERIOD_S
            self._shortage = self._find_shortage()

    def _without_ages(self, news: dict[str, str]) -> dict[str, object]:
        sessions = self._agent.operations.active()
        active = [(session.op_name, session.session_id) for session in sessions]
        return {**news, "X_OPERATIONS": active, SAMPLE_KEY: None}

    def _retry_soon(self) -> None:
        if not self._stopped and self._retry is None:
            self._retry = self._reactor.callLater(BUSY_RETRY_S, self._report_again)

    def _report_again(self) -> None:
        self._retry = None
        self.report()

    def _status(self, now_s: float) -> dict[str, int | str]:
        if self._connection.joined:
            return {"READY": 1, "WATCHDOG": 1, "STATUS": _joined(self._troubles(now_s))}
        reasons = _joined((self._shortage, shortened(self._connection.reason)))
        return {"WATCHDOG": 1, "STATUS": reasons}

    def _details(self, now_s: float) -> dict[str, str]:
        agent = self._agent
        code = {}
        if now_s >= self._code_due_s:
            code["X_CODE"] = this_process.code_file()
        return {
            "X_CALL": shortened(self._call_fault()),
            "X_FEEDS": shortened("; ".join(self._silent_feeds())),
            "X_OPERATIONS": shortened(in_flight(agent.operations.active())),
            RUNS_KEY: runs_of(agent),
            SAMPLE_KEY: sample_age(tuple(agent.feeds.values()), time.monotonic()),
            CHANGED_CODE_KEY: OWN_CODE.changed,
            SESSION_KEY: str(agent.agent_session_id),
            **{key: fact() for key, fact in agent.facts.items()},
            **code,
        }

    def _call_fault(self) -> str:
        agent = self._agent
        link = agent.link if self._connection.joined and agent.is_attached() else None
        return self._self_call.poll(link)

    def _silent_feeds(self) -> list[str]:
        return [
            f"feed {feed.feed_name} {complaint}"
            for feed in tuple(self._agent.feeds.values())
            if (complaint := feed.complaint())
        ]

    def _troubles(self, now_s: float) -> list[str]:
        agent = self._agent
        if now_s >= self._data_due_s:
            self._data_due_s = now_s + DATA_PERIOD_S
            for session in agent.operations.active():
                session.check_data()
        startup_names = {name for _, name, _ in agent.startup_ops}
        return [
            self._shortage,
            agent.trouble,
            agent.blocked,
            agent.reply_fault(),
            agent.spools.complaint(),
            *agent.operations.refusals(),
            *(feed.refusal or feed.loss() for feed in tuple(agent.feeds.values())),
            trouble_of(agent.sessions.values(), startup_names),
        ]


def _joined(troubles: Iterable[str | None]) -> str:
    return "; ".join(filter(None, troubles))[:LONGEST_STATUS]


def in_flight(sessions: Iterable[OpSession]) -> str:
    """Return the operations that run and since when, e.g. ``acq 3421 s, init 2 s``."""
    return ", ".join(f"{session.op_name} {session.age_s():.0f} s" for session in sessions)


def trouble_of(sessions: Any, startup_names: set[str]) -> str:
    """Return the faults of an agent's operations that an operator should know, if any.

    `sessions` has the latest of each operation, or None. The operations in `startup_names`
    start with the agent; others may fail without being its fault.
    """
    troubles = []
    for session in sessions:
        if session is None:
            continue
        if session.fault is not None:
            troubles.append(shortened(session.fault))
        elif session.status == "done" and not session.success and session.op_name in startup_names:
            troubles.append(f"operation {session.op_name!r} failed: {last_words(session)}")
        elif late := session.overdue():
            troubles.append(f"operation {session.op_name!r}: {late}")
        elif session.status == "running" and session.degraded:
            troubles.append(f"operation {session.op_name!r} is degraded: {last_words(session)}")
    return "; ".join(troubles)
