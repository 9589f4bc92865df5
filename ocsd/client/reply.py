"""An agent's answer to a request, readable at a prompt."""

import pprint
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from ocsd.base import ResponseCode

_MESSAGES_SHOWN = 5
_DATA_COLUMNS = 100
_LONGEST_DATA_LINES = 20
_OUTCOMES = {True: "without error", False: "with ERROR"}


class OCSReply(NamedTuple):
    """The answer of an agent."""

    status: int
    """`OK`, `ERROR` or `TIMEOUT` (`ocsd.base`) of the request, not of the operation."""
    msg: str
    """The answer in words."""
    session: dict[str, Any]
    """The operation's latest session; empty if it never ran."""

    def __repr__(self) -> str:
        try:
            code = ResponseCode(self.status).name
        except ValueError:
            code = str(self.status)
        lines = [f"OCSReply: {code} : {self.msg}"]
        if not self.session:
            return f"{lines[0]}\n  (no session: the operation has not run)"
        try:
            lines += _session_lines(self.session)
        except (KeyError, TypeError, ValueError):
            # Not a session as OCS's agents send it.
            lines.append(f"  session: {self.session!r}")
        return "\n".join(lines)


def _session_lines(session: Mapping[str, Any]) -> list[str]:
    name, number = session["op_name"], session["session_id"]
    lines = [f"  {name}[session={number}]; status={progress_of(session, time.time())}"]
    if session.get("degraded"):
        lines.append("  degraded")
    messages = session.get("messages") or []
    if messages:
        shown = messages[-_MESSAGES_SHOWN:]
        count = f"{len(shown)} of {len(messages)}"
        if session.get("messages_left_out"):
            count += f"; {session['messages_left_out']} older ones are left out"
        lines.append(f"  messages ({count}):")
        lines += [f"    {at:.3f} {text}" for at, text in shown]
    if session.get("data"):
        text = pprint.pformat(session["data"], width=_DATA_COLUMNS, sort_dicts=False)
        whole = text.splitlines()
        lines += ["  data:", *(f"    {line}" for line in whole[:_LONGEST_DATA_LINES])]
        if len(whole) > _LONGEST_DATA_LINES:
            lines.append(f"    ... {len(whole) - _LONGEST_DATA_LINES} more lines")
    return lines


def progress_of(session: Mapping[str, Any], now_at: float) -> str:
    """Return the state of a run and its duration at a time, e.g. ``running for 3.2 s``."""
    status, begun_at, ended_at = session["status"], session["start_time"], session.get("end_time")
    if status != "done" or ended_at is None:
        return f"{status} for {_duration(now_at - begun_at)}"
    outcome = _OUTCOMES[bool(session.get("success"))]
    ago, took = _duration(now_at - ended_at), _duration(ended_at - begun_at)
    return f"{status} {outcome} {ago} ago, took {took}"


def _duration(seconds: float) -> str:
    # The clocks of the agent and of this machine may differ, or may have been set meanwhile.
    seconds = max(0.0, seconds)
    if seconds < 1:
        return f"{seconds:.3f} s"
    for limit_s, unit_s, unit in ((120, 1, "s"), (7200, 60, "min"), (172800, 3600, "h")):
        if seconds < limit_s:
            return f"{seconds / unit_s:.1f} {unit}"
    return f"{seconds / 86400:.1f} days"
