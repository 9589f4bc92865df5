"""Noticing that the reactor is blocked, and by what.

A `blocking=False` operation that sleeps stops everything else in the agent: its
heartbeat, its replies, its other operations. Nothing in the reactor's thread can
say so while it lasts, so the thread of the lookout looks.
"""

import inspect
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

from ocsd.reactor.lookout import LOOKOUT, PERIOD_S
from ocsd.reactor.ticker import Ticker
from ocsd.system.notify import notify

ALIVE_EVERY_S = 1.0
# What is shorter nobody notices; heartbeats are believed for 5 s.
BLOCKED_LIMIT_S = 1.5
# How long the status shows a block that is over.
REMEMBERED_S = 60.0


class ReactorWatch:
    """Tells log and supervisor when the reactor is blocked, and the operation afterwards.

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
        self._ticker = Ticker(ALIVE_EVERY_S, self._alive)
        self._reactor_thread = 0
        self._alive_at_s = time.monotonic()
        self._shown_at_s = 0.0
        self._looked_at_s = 0.0
        self._blocked_by = ""
        self._op_name: str | None = None

    def start(self) -> None:
        """Begin to watch (reactor thread)."""
        self._reactor_thread = threading.get_ident()
        self._ticker.start()
        LOOKOUT.add(self._look)

    def stop(self) -> None:
        """End."""
        self._ticker.stop()
        LOOKOUT.remove(self._look)

    def _alive(self) -> None:
        now_s = time.monotonic()
        if self._blocked_by:
            self._tell_operation(now_s - self._alive_at_s)
        elif now_s - self._shown_at_s > REMEMBERED_S:
            self._agent.blocked = ""
        self._alive_at_s = now_s

    def _tell_operation(self, lasted_s: float) -> None:
        text, self._blocked_by = f"{self._blocked_by}, for {lasted_s:.1f} s", ""
        session = self._agent.sessions.get(self._op_name)
        if session is None:
            self._agent.log.warn("{text}", text=text)
            return
        self._agent.blocked = text
        self._shown_at_s = time.monotonic()
        session.add_message(f"WARNING: {text}; register what takes time with blocking=True")

    def _look(self) -> None:
        now_s = time.monotonic()
        # A machine that was asleep, or has no time for us, blocks nobody.
        looked_lately = now_s - self._looked_at_s < 2 * PERIOD_S
        self._looked_at_s = now_s
        if looked_lately and now_s - self._alive_at_s > BLOCKED_LIMIT_S and not self._blocked_by:
            self._report()

    def _report(self) -> None:
        frame = sys._current_frames().get(self._reactor_thread)  # noqa: SLF001 - documented
        if frame is None or _is_idle(frame):
            return
        place = f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
        self._op_name = self._operation_in(frame)
        who = f"operation {self._op_name!r}" if self._op_name else "something"
        self._blocked_by = f"{who} blocks the reactor at {place}"
        self._agent.log.error("{text}", text=self._blocked_by)
        if self._op_name:
            self._send(STATUS=self._blocked_by)

    def _operation_in(self, frame: FrameType | None) -> str | None:
        codes: dict[Any, str] = {}
        for name, op in {**self._agent.tasks, **self._agent.processes}.items():
            for function in op.functions:
                codes[getattr(inspect.unwrap(function), "__code__", None)] = name
        while frame is not None:
            if frame.f_code in codes:
                return codes[frame.f_code]
            frame = frame.f_back
        return None


def _is_idle(frame: FrameType) -> bool:
    """Tell whether a reactor waits for events; it may be short of processor time."""
    module: str = frame.f_globals.get("__name__", "")
    return module.startswith("twisted.internet.") and module.endswith("reactor")
