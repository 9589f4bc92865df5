"""Waiting for a run of an operation, as a row of short requests.

No single request lasts long, so a lost answer is noticed soon. The rule is a
generator that does no I/O: it yields the time limit of a request and is sent the
agent's answer. The callers over HTTP and over WAMP ask the agent.
"""

import math
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple, TypeAlias

from ocsd.base import ERROR, TIMEOUT

CALL_LIMIT_S = 10.0
"""Time that a call may take, beyond the time that the agent is asked to wait [s]."""
LONGEST_REQUEST_S = 10.0
"""Time that one request asks the agent to wait, at most [s]."""

Reply: TypeAlias = tuple[int, str, dict[str, Any]]


class OperationRun(NamedTuple):
    """The identity of one run of an operation.

    It has the time because the numbers begin again when an agent is restarted.
    """

    session_id: Any
    start_time: Any


def run_of(session: Mapping[str, Any] | None) -> OperationRun | None:
    """Return the run that a session describes, or None if it is empty."""
    if not session or session.get("session_id") is None:
        return None
    return OperationRun(session["session_id"], session.get("start_time"))


def waiting(
    op_name: str,
    timeout_s: float | None,
    run: OperationRun | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Generator[float, Any, Reply]:
    """Wait for the end of one run.

    Parameters
    ----------
    timeout_s : float, optional
        Time limit of the whole [s]; None waits for ever, negative not at all.
    run : OperationRun, optional
        The run; by default that of the first answer.

    Yields
    ------
    float
        The timeout of the next ``wait`` request [s]; send its answer.

    Returns
    -------
    tuple of (int, str, dict)
        The last answer. ERROR if the run ended unseen: another run took its
        place, or the agent was restarted.
    """
    end_s = math.inf if timeout_s is None else monotonic() + timeout_s
    while True:
        answer = yield min(LONGEST_REQUEST_S, end_s - monotonic())
        code, text, session = answer
        if code == ERROR:
            return code, text, session
        seen = run_of(session)
        if run is not None and seen != run:
            return ERROR, _lost(op_name, run, seen), session
        run = seen
        if code != TIMEOUT or end_s <= monotonic():
            return code, text, session


def _lost(op_name: str, run: OperationRun, seen: OperationRun | None) -> str:
    if seen is None:
        what = "the agent was restarted"
    elif _later(seen, run):
        what = f"run {seen.session_id} took its place"
    else:
        what = f"the agent was restarted and is at run {seen.session_id}"
    return f'Run {run.session_id} of "{op_name}" has ended and its result is lost: {what}.'


def _later(seen: OperationRun, run: OperationRun) -> bool:
    try:
        return bool(seen.session_id > run.session_id)
    except TypeError:
        return True
