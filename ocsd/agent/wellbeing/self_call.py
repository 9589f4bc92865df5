"""Whether a call to the agent, through the router, is answered."""

import random
import time
from collections.abc import Callable
from typing import Any, Final

from ocsd.bus.wamp import RouterLink, TransportLost

CALL_PERIOD_S: Final = 10.0
CALL_ANSWER_LIMIT_S: Final = 5.0

_LOOKS_APART_S: Final = 5.0
"""A process that looks less often than this was held up itself, which excuses the router."""


class SelfCall:
    """Calls the agent's own address now and then, while it is joined.

    Parameters
    ----------
    agent : OCSAgent
        The agent.
    jitter : callable
        Returns a number from 0 to 1: agents that start together call one after the other.
    monotonic : callable
        Returns the monotonic time [s].
    """

    def __init__(
        self,
        agent: Any,
        jitter: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._agent = agent
        self._monotonic = monotonic
        self._jitter = jitter
        self._due_at_s = 0.0
        self._looked_at_s = float("-inf")
        self._link: RouterLink | None = None
        self._asked_at_s: float | None = None
        self._error = ""

    def poll(self, link: RouterLink | None) -> str:
        """Call if it is time to; return what is wrong, or nothing.

        Parameters
        ----------
        link : RouterLink or None
            The connection of an agent that is joined; call this every second or so.
        """
        now_s = self._monotonic()
        pause_s, self._looked_at_s = now_s - self._looked_at_s, now_s
        if link is not self._link:
            self._link, self._asked_at_s, self._error = link, None, ""
            self._due_at_s = now_s + CALL_PERIOD_S * self._jitter()
        if link is None:
            return ""
        if pause_s > _LOOKS_APART_S and self._asked_at_s is not None:
            # The answer may have come and not been read.
            self._asked_at_s = now_s
        if now_s >= self._due_at_s:
            self._due_at_s = now_s + CALL_PERIOD_S
            self._call(link, now_s)
        waited_s = 0.0 if self._asked_at_s is None else now_s - self._asked_at_s
        if waited_s >= CALL_ANSWER_LIMIT_S:
            return f"no answer to a call through the router for {waited_s:.0f} s"
        return self._error

    def _call(self, link: RouterLink, now_s: float) -> None:
        try:
            called = link.call(self._agent.agent_address, "get_agent_class")
        except TransportLost:
            return
        if self._asked_at_s is None:
            self._asked_at_s = now_s
        # No limit for a call by itself: a late answer shows at once that all is well again.
        called.addCallbacks(self._answered, self._failed, (link,), errbackArgs=(link,))

    def _answered(self, _: object, link: RouterLink) -> None:
        self._note(link, "")

    def _failed(self, failure: Any, link: RouterLink) -> None:
        self._note(link, f"a call through the router fails: {failure.value}")

    def _note(self, link: RouterLink, error: str) -> None:
        # What is outstanding on a link that closes fails as well, but nobody asks for it.
        if link is self._link:
            self._asked_at_s, self._error = None, error
