"""Calls of the agent to itself, through the router, to see that it can be reached."""

import random
import time
from collections.abc import Callable
from math import inf
from typing import Any, Final

from ocsd.bus import own_calls
from ocsd.bus.wamp import RouterLink, TransportLost

CALL_PERIOD_S: Final = 10.0
CALL_ANSWER_LIMIT_S: Final = 5.0

_LONGEST_POLL_GAP_S: Final = 5.0
"""Longest time between two polls; a process that polls later was held up itself."""


class SelfCall:
    """Calls the agent's own address every ten seconds, while it is joined.

    `jitter` returns a number from 0 to 1, which spreads the calls of agents that start
    together; `monotonic` returns the monotonic time [s].
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
        self._polled_at_s = -inf
        self._link: RouterLink | None = None
        self._called_at_s = inf  # the oldest call without an answer
        self._error = ""

    def poll(self, link: RouterLink | None) -> str:
        """Call if a call is due; return a complaint if calls fail, else nothing.

        Poll every second or so, with the link of an agent that is joined.
        """
        now_s = self._monotonic()
        pause_s, self._polled_at_s = now_s - self._polled_at_s, now_s
        if link is not self._link:
            self._link, self._called_at_s, self._error = link, inf, ""
            self._due_at_s = now_s + CALL_PERIOD_S * self._jitter()
        if link is None:
            return ""
        if pause_s > _LONGEST_POLL_GAP_S:
            # An answer may have come and not been read yet.
            self._called_at_s = max(self._called_at_s, now_s)
        if now_s >= self._due_at_s:
            self._due_at_s = now_s + CALL_PERIOD_S
            self._call(link, now_s)
        waited_s = now_s - self._called_at_s
        if waited_s >= CALL_ANSWER_LIMIT_S:
            return f"no answer to a call through the router for {waited_s:.0f} s"
        return self._error

    def _call(self, link: RouterLink, now_s: float) -> None:
        try:
            called = self._called(link)
        except TransportLost:
            return
        self._called_at_s = min(self._called_at_s, now_s)
        # The call itself has no limit: a late answer shows at once that all is well again.
        called.addCallbacks(self._answered, self._failed, (link,), errbackArgs=(link,))

    def _called(self, link: RouterLink) -> Any:
        address, question = self._agent.agent_address, "get_agent_class"
        if link.own_calls is None and own_calls.are_possible(link):
            link.own_calls = own_calls.OwnCalls(link, address, question, self._agent.class_name)
        if link.own_calls is not None:
            return link.own_calls.make()
        return link.call(address, question)

    def _answered(self, _: object, link: RouterLink) -> None:
        self._record(link, "")

    def _failed(self, failure: Any, link: RouterLink) -> None:
        self._record(link, f"a call through the router fails: {failure.value}")

    def _record(self, link: RouterLink, error: str) -> None:
        # Calls on an earlier link fail when it closes, which says nothing of this one.
        if link is self._link:
            self._called_at_s, self._error = inf, error
