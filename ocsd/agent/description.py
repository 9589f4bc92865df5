"""Descriptions of an agent, from which general clients build themselves."""

import os
import socket
from collections.abc import Mapping
from math import inf
from typing import Any, Final

from ocsd.agent.operations.operation import AgentOp
from ocsd.agent.operations.session import message_bytes
from ocsd.agent.spool.segment import packed

SESSIONS_BYTES: Final = 8 * 2**20
"""Size of all sessions in one description: half of what a router can carry [bytes]."""


def describe(agent: Any, query: str) -> Any:
    """Answer a call to the agent's address (docs/reference/wire.md, "Operations").

    The query is ``get_api``, or a part of it: ``get_tasks``, ``get_processes``,
    ``get_feeds``, ``get_agent_class``. The answer to any other is None.
    """
    match query:
        case "get_api":
            return {
                "agent_class": agent.class_name,
                "instance_hostname": socket.gethostname(),
                "instance_pid": os.getpid(),
                "feeds": _feeds(agent),
                **_all_operations(agent),
                "access_control": agent.access_data,
            }
        case "get_tasks":
            return _all_operations(agent)["tasks"]
        case "get_processes":
            return _all_operations(agent)["processes"]
        case "get_feeds":
            return _feeds(agent)
        case "get_agent_class":
            return agent.class_name
    return None


def _feeds(agent: Any) -> list[Any]:
    return [[name, feed.encoded()] for name, feed in sorted(agent.feeds.items())]


def _all_operations(agent: Any) -> dict[str, list[Any]]:
    runs = {name: run.reply() for name, run in agent.sessions.items() if run is not None}
    sessions = fitted(runs, SESSIONS_BYTES)
    kinds = {"processes": agent.processes, "tasks": agent.tasks}
    return {kind: _operations(operations, sessions) for kind, operations in kinds.items()}


def _operations(operations: Mapping[str, AgentOp], sessions: Mapping[str, Any]) -> list[Any]:
    return [
        [name, sessions.get(name, {"op_name": name, "status": "no_history"}), op.encoded()]
        for name, op in sorted(operations.items())
    ]


def fitted(sessions: Mapping[str, dict[str, Any]], room_bytes: int) -> dict[str, dict[str, Any]]:
    """Return sessions as clients get them, of a size that fits into one reply.

    If all together are too large, the large ones lose their oldest messages and, where that
    is not enough, their data. ``messages_left_out`` and ``data_left_out`` say so; the reply to
    ``status`` has all of them.
    """
    sizes = {name: len(packed(session)) for name, session in sessions.items()}
    share_bytes = _fair_share(list(sizes.values()), room_bytes)
    return {
        name: session if sizes[name] <= share_bytes else _shortened(session, share_bytes)
        for name, session in sessions.items()
    }


def _fair_share(sizes: list[int], room: int) -> float:
    """Return the largest size that each may have, if those that need less leave the rest."""
    for taken, size in enumerate(sorted(sizes)):
        share = room / (len(sizes) - taken)
        if size > share:
            return share
        room -= size
    return inf


def _shortened(session: Mapping[str, Any], room_bytes: float) -> dict[str, Any]:
    short = {**session, "messages": []}
    if len(packed(short)) > room_bytes:
        short.update(data=None, data_left_out=True)
    left_bytes = room_bytes - len(packed(short))
    kept = 0
    for _, text in reversed(session["messages"]):
        left_bytes -= message_bytes(text)
        if left_bytes < 0:
            break
        kept += 1
    short["messages"] = session["messages"][len(session["messages"]) - kept :]
    left_out = len(session["messages"]) - kept
    if left_out:
        short["messages_left_out"] = left_out + session.get("messages_left_out", 0)
    return short
