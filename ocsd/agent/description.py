"""Descriptions of an agent, from which general clients build themselves."""

import os
import socket
from collections.abc import Mapping
from typing import Any

from ocsd.agent.operations.operation import AgentOp


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
                "processes": _operations(agent, agent.processes),
                "tasks": _operations(agent, agent.tasks),
                "access_control": agent.access_data,
            }
        case "get_tasks":
            return _operations(agent, agent.tasks)
        case "get_processes":
            return _operations(agent, agent.processes)
        case "get_feeds":
            return _feeds(agent)
        case "get_agent_class":
            return agent.class_name
    return None


def _feeds(agent: Any) -> list[Any]:
    return [[name, feed.encoded()] for name, feed in sorted(agent.feeds.items())]


def _operations(agent: Any, operations: Mapping[str, AgentOp]) -> list[Any]:
    described = []
    for name, op in sorted(operations.items()):
        session = agent.sessions[name]
        reply = session.reply() if session else {"op_name": name, "status": "no_history"}
        described.append([name, reply, op.encoded()])
    return described
