"""Detection of code that blocks the reactor.

A `blocking=False` operation that sleeps stops everything else in the agent: its
heartbeat, its replies, its other operations. The reactor's thread cannot report that while
it lasts, so the thread of the lookout polls it.
"""

import inspect
import sys
import threading
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from ocsd.reactor.lookout import JUST_AFTER_S, LOOKOUT, LOOKOUT_PERIOD_S
from ocsd.reactor.ticker import Ticker
from ocsd.system.notify import notify
from ocsd.text.frames import authors_frame

ALIVE_EVERY_S = 1.0
# Time without a sign of life from which the reactor counts as blocked [s]. A shorter block
# does no harm: a heartbeat is good for 5 s.
BLOCKED_LIMIT_S = 1.5
# Time for which the status shows a block that is over [s].
REMEMBERED_S = 60.0


class ReactorWatch:
    """Reports a blocked reactor to log and supervisor, and afterwards to the operation.

    `send` takes the assignments of one notification as keyword arguments.
    """

    def __init__(self, agent: Any, send: Callable[..., object] = notify) -> None:
        self._agent = agent
        self._send = send
        self._ticker = Ticker(ALIVE_EVERY_S, self._alive)
        self._reactor_thread = 0
        self._alive_at_s = time.monotonic()
        self._shown_at_s = 0.0
        self._polled_at_s = 0.0
        self._blocked_by = ""
        self._op_name: str | None = None

    def start(self) -> None:
        """Begin to watch (reactor thread)."""
        self._reactor_thread = threading.get_ident()
        self._ticker.start()
        LOOKOUT.add(self._poll)

    def stop(self) -> None:
        """End the watch."""
        self._ticker.stop()
        LOOKOUT.remove(self._poll)

    def _alive(self) -> None:
        now_s = time.monotonic()
        if self._blocked_by:
            self._warn_operation(now_s - self._alive_at_s)
        elif now_s - self._shown_at_s > REMEMBERED_S:
            self._agent.blocked = ""
        self._alive_at_s = now_s
        LOOKOUT.vouch(BLOCKED_LIMIT_S + JUST_AFTER_S)

    def _warn_operation(self, lasted_s: float) -> None:
        text, self._blocked_by = f"{self._blocked_by}, for up to {lasted_s:.1f} s", ""
        session = self._agent.sessions.get(self._op_name)
        if session is None:
            self._agent.log.warn("{text}", text=text)
            return
        self._agent.blocked = text
        self._shown_at_s = time.monotonic()
        session.add_message(f"WARNING: {text}; register what takes time with blocking=True")

    def _poll(self) -> None:
        now_s = time.monotonic()
        due_s = max(self._alive_at_s + BLOCKED_LIMIT_S, self._polled_at_s) + LOOKOUT_PERIOD_S
        self._polled_at_s = now_s
        # After a pause of the whole machine the reactor has had no chance to run either.
        polled_late = now_s - due_s > LOOKOUT_PERIOD_S
        if not polled_late and now_s - self._alive_at_s > BLOCKED_LIMIT_S and not self._blocked_by:
            self._report()

    def _report(self) -> None:
        frame = sys._current_frames().get(self._reactor_thread)  # noqa: SLF001 - documented
        if frame is None or _is_idle(frame):
            return
        codes = self._codes()
        blocking = authors_frame(frame, codes)
        code = blocking.f_code
        place = f"{code.co_filename}:{blocking.f_lineno} in {code.co_name}"
        self._op_name = _operation_in(frame, codes)
        blocker = f"operation {self._op_name!r}" if self._op_name else "something"
        self._blocked_by = f"{blocker} blocks the reactor at {place}"
        self._agent.log.error("{text}", text=self._blocked_by)
        if self._op_name:
            self._send(STATUS=self._blocked_by)

    def _codes(self) -> dict[Any, str]:
        """Return the names of operations by the code of their functions."""
        return {
            getattr(inspect.unwrap(function), "__code__", None): name
            for name, op in {**self._agent.tasks, **self._agent.processes}.items()
            for function in op.functions
        }


def _operation_in(frame: FrameType | None, codes: Mapping[Any, str]) -> str | None:
    while frame is not None:
        if frame.f_code in codes:
            return codes[frame.f_code]
        frame = frame.f_back
    return None


def _is_idle(frame: FrameType) -> bool:
    """Return whether a reactor waits for events; it may lack processor time."""
    module: str = frame.f_globals.get("__name__", "")
    return module.startswith("twisted.internet.") and module.endswith("reactor")
