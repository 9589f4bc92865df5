"""The activity of an agent as its supervisor shows it: runs of operations, age of its samples."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import inf
from typing import Any

from ocsd.agent.operations.session import OpSession
from ocsd.system.runs import LONGEST_RUN_REASON, PROCESS, TASK, Run, encode_runs, run_state
from ocsd.text.reason import shortened

# Keys of session.data under which an operation may give the reason why it is degraded.
REASON_KEYS = ("reason", "error")


def runs_of(agent: Any) -> str:
    """Return the latest run of each operation of an agent as the text of ``X_RUNS``."""
    startup = {name for _, name, _ in agent.startup_ops}
    sessions = [session for session in agent.sessions.values() if session is not None]
    processes = agent.operations.processes
    runs = (
        _run(session, session.op_name in processes, session.op_name in startup)
        for session in sessions
    )
    return _encoded(tuple(runs))


@lru_cache(maxsize=1)
def _encoded(runs: tuple[Run, ...]) -> str:
    return encode_runs(runs)


def _run(session: OpSession, is_process: bool, startup: bool) -> Run:
    kind = PROCESS if is_process else TASK
    state = run_state(
        kind,
        session.status or "starting",
        session.success,
        degraded=session.degraded,
        asked=bool(session.asked_by),
    )
    since_at, reason = session.start_time, ""
    if session.end_time is not None:
        since_at = session.end_time
    if state in {"failed", "degraded"}:
        reason = session.fault or last_words(session)
    elif state in {"stopped", "stopping"}:
        reason = session.asked_by
    return Run(session.op_name, kind, state, round(since_at, 3), startup, _short(reason))


def _short(reason: str) -> str:
    return shortened(reason, LONGEST_RUN_REASON)


def sample_age(feeds: Iterable[Any], now_s: float) -> str:
    """Return the age of the newest sample of recorded feeds [s]; empty if there is none yet."""
    newest_s = max((feed.sampled_at_s for feed in feeds if feed.record), default=-inf)
    if newest_s == -inf:
        return ""
    return f"{max(0.0, now_s - newest_s):.1f}"


def last_words(session: OpSession) -> str:
    """Return the reason that an operation gives for its state."""
    # Authors give a reason that comes and goes in the data, not in many messages.
    if isinstance(session.data, Mapping):
        for key in REASON_KEYS:
            if session.data.get(key):
                return shortened(str(session.data[key]))
    for _, text in reversed(session.messages):
        if not text.startswith("Status is now"):
            return shortened(text)
    return "it does not say why"
