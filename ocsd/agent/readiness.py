"""Telling the supervisor how the agent is doing (sd_notify(3)).

``READY=1`` says that the agent is joined, ``WATCHDOG=1`` that its reactor runs,
``STATUS`` what is wrong; an empty STATUS says that nothing is.
"""

from collections.abc import Callable, Mapping
from typing import Any

from ocsd.agent.session import OpSession
from ocsd.agent.threads import the_reactor
from ocsd.agent.ticker import Ticker
from ocsd.notify import Delivery, notify

PERIOD_S = 1.0
# Where in its session.data an operation may say why it is degraded.
REASON_KEYS = ("reason", "error")
# How many reports go by until session data that no client asks for are looked at.
DATA_PERIOD = 5
LONGEST_STATUS = 2000
# When many agents start at once, their reports do not all fit into the queue.
RETRY_S = 0.02


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
        self._ticker = Ticker(PERIOD_S, self.tell)
        self._retry: Any = None
        self._stopped = False
        self._reports = 0

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

    def tell(self) -> None:
        """Report now."""
        if self._connection is None:
            return
        if self._connection.joined:
            delivery = self._send(READY=1, WATCHDOG=1, STATUS=self._trouble())
        else:
            delivery = self._send(WATCHDOG=1, STATUS=self._connection.reason)
        if delivery is Delivery.BUSY and not self._stopped and self._retry is None:
            self._retry = the_reactor().callLater(RETRY_S, self._tell_again)

    def _tell_again(self) -> None:
        self._retry = None
        self.tell()

    def _trouble(self) -> str:
        agent = self._agent
        self._reports += 1
        if self._reports % DATA_PERIOD == 0:
            for session in agent.operations.active():
                session.check_data()
        startup_names = {name for _, name, _ in agent.startup_ops}
        refusals = [feed.refusal for feed in agent.feeds.values() if feed.refusal]
        troubles = [
            agent.trouble,
            agent.blocked,
            *agent.operations.refusals(),
            *refusals,
            trouble_of(agent.sessions.values(), startup_names),
        ]
        return "; ".join(filter(None, troubles))[:LONGEST_STATUS]


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
            troubles.append(session.fault)
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
                return str(session.data[key])
    said = [text for _, text in session.messages if not text.startswith("Status is now")]
    return said[-1] if said else "it does not say why"
