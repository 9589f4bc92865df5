"""Telling the supervisor how the agent is doing (sd_notify(3)).

``READY=1`` says that the agent is joined, ``WATCHDOG=1`` that its reactor runs,
``STATUS`` what is wrong; an empty STATUS says that nothing is. ``X_CALL`` and ``X_FEEDS``
say what is wrong with these layers, ``X_OPERATIONS`` what runs for how long, ``X_CODE``
which file holds the agent's code; they are left out when they are empty and were so before.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ocsd.agent.operations.session import OpSession
from ocsd.agent.wellbeing import this_process
from ocsd.agent.wellbeing.self_call import SelfCall
from ocsd.reactor.threads import the_reactor
from ocsd.reactor.ticker import Ticker
from ocsd.system.notify import Delivery, notify
from ocsd.text.reason import shortened

REPORT_PERIOD_S = 1.0
# Where in its session.data an operation may say why it is degraded.
REASON_KEYS = ("reason", "error")
# How many reports go by until session data that no client asks for are looked at.
DATA_PERIOD = 5
# How many reports go by until it is seen whether another file could be opened.
DESCRIPTORS_PERIOD = 10
# How many reports go by until the supervisor, which may be new, is told again where the code is.
CODE_PERIOD = 30
# A datagram must not cost more than it is worth, with hundreds of agents.
LONGEST_STATUS = 2000
# When many agents start at once, their reports do not all fit into the queue.
BUSY_RETRY_S = 0.02


class Readiness:
    """Reports every second, and at once when something changes.

    Parameters
    ----------
    agent : OCSAgent
        The agent.
    send : callable
        Takes the assignments of one notification as keyword arguments.
    """

    def __init__(self, agent: Any, send: Callable[..., object] = notify) -> None:
        self._agent = agent
        self._send = send
        self._connection: Any = None
        self._ticker = Ticker(REPORT_PERIOD_S, self.report)
        self._retry: Any = None
        self._stopped = False
        self._reports = 0
        self._self_call = SelfCall(agent)
        self._said: dict[str, str] = {}
        self._shortage = ""

    def start(self, connection: Any) -> None:
        """Begin to report."""
        self._connection = connection
        self._ticker.start()

    def stop(self) -> None:
        """Report that the agent is about to end."""
        self._stopped = True
        self._ticker.stop()
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        self._send(STOPPING=1, STATUS="ending")

    def report(self) -> None:
        """Report now."""
        if self._connection is None:
            return
        if self._reports % DESCRIPTORS_PERIOD == 0:
            self._shortage = this_process.shortage()
        details = self._details()
        # What was empty before and still is need not be said.
        news = {key: text for key, text in details.items() if text or self._said.get(key)}
        if self._connection.joined:
            delivery = self._send(READY=1, WATCHDOG=1, STATUS=self._trouble(), **news)
        else:
            reasons = _joined((self._shortage, shortened(self._connection.reason)))
            delivery = self._send(WATCHDOG=1, STATUS=reasons, **news)
        if delivery is Delivery.DONE:
            self._said = details
        if delivery is not Delivery.BUSY:
            self._reports += 1
        if delivery is Delivery.BUSY and not self._stopped and self._retry is None:
            self._retry = the_reactor().callLater(BUSY_RETRY_S, self._report_again)

    def _report_again(self) -> None:
        self._retry = None
        self.report()

    def _details(self) -> dict[str, str]:
        agent = self._agent
        silent = [
            f"feed {feed.feed_name} {complaint}"
            for feed in tuple(agent.feeds.values())
            if (complaint := feed.complaint())
        ]
        link = agent.link if self._connection.joined and agent.is_attached() else None
        told = {
            "X_CALL": self._self_call.poll(link),
            "X_FEEDS": "; ".join(silent),
            "X_OPERATIONS": in_flight(agent.operations.active(), time.time()),
        }
        details = {key: shortened(text) for key, text in told.items()}
        if self._reports % CODE_PERIOD == 0:
            details["X_CODE"] = this_process.code_file()
        return details

    def _trouble(self) -> str:
        agent = self._agent
        if self._reports % DATA_PERIOD == 0:
            for session in agent.operations.active():
                session.check_data()
        startup_names = {name for _, name, _ in agent.startup_ops}
        refusals = [feed.refusal for feed in agent.feeds.values() if feed.refusal]
        troubles = [
            self._shortage,
            agent.trouble,
            agent.blocked,
            *agent.operations.refusals(),
            *refusals,
            trouble_of(agent.sessions.values(), startup_names),
        ]
        return _joined(troubles)


def _joined(troubles: Iterable[str]) -> str:
    return "; ".join(filter(None, troubles))[:LONGEST_STATUS]


def in_flight(sessions: Iterable[OpSession], now_at: float) -> str:
    """Return which operations run for how long, e.g. ``acq 3421 s, init 2 s``.

    Parameters
    ----------
    sessions : iterable of OpSession
        Those that have not ended.
    now_at : float
        Unix time [s].
    """
    return ", ".join(
        f"{session.op_name} {max(0.0, now_at - session.start_time):.0f} s" for session in sessions
    )


def trouble_of(sessions: Any, startup_names: set[str]) -> str:
    """Return what an operator should know about an agent's operations.

    Parameters
    ----------
    sessions : iterable of OpSession or None
        The latest session of each operation.
    startup_names : set of str
        Operations that are meant to run from the start; any other may fail without
        being a trouble of the agent.

    Returns
    -------
    str
        Empty if all is well.
    """
    troubles = []
    for session in sessions:
        if session is None:
            continue
        if session.fault is not None:
            troubles.append(shortened(session.fault))
        elif session.status == "done" and not session.success and session.op_name in startup_names:
            troubles.append(f"operation {session.op_name!r} failed: {_last_words(session)}")
        elif session.status == "running" and session.degraded:
            troubles.append(f"operation {session.op_name!r} is degraded: {_last_words(session)}")
    return "; ".join(troubles)


def _last_words(session: OpSession) -> str:
    # Authors tell a reason that comes and goes in the data, not in a row of messages.
    if isinstance(session.data, Mapping):
        for key in REASON_KEYS:
            if session.data.get(key):
                return shortened(str(session.data[key]))
    said = [text for _, text in session.messages if not text.startswith("Status is now")]
    return shortened(said[-1]) if said else "it does not say why"
