"""Changes: instances up, down or restarted by the daemon, operations by their agents."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from ocsd.errors import UsageError
from ocsd.web.refusals import MissingError
from ocsd.web.server.route import LINES, Call
from ocsd.web.server.stream import Stream
from ocsd.web.sources.agents import OPERATION_ACTIONS, Agents
from ocsd.web.sources.daemon import DaemonLink
from ocsd.web.work import Work

BEGIN_LIMIT_S: Final = 10.0
"""Time that the daemon has to begin a change [s]."""


class ChangeEndpoints:
    """Answers the requests that change something, and those about operations."""

    def __init__(self, daemon: DaemonLink, agents: Agents, work: Work) -> None:
        self._daemon = daemon
        self._agents = agents
        self._work = work

    def instances(self, verb: str) -> Callable[[Call], Awaitable[None]]:
        """Return the handler that brings instances ``up`` or ``down``, or restarts them."""

        async def change(call: Call) -> None:
            stream: list[Stream] = []

            def begun() -> Stream:
                if not stream:
                    stream.append(Stream(call.request, LINES))
                return stream[0]

            def write(line: bytes) -> None:
                if line:
                    begun().raw(line + b"\n")

            body = {**call.body, "by": call.who, "caller": call.viewer.caller()}
            await self._daemon.ask(f"/v1/instances/{verb}", write, body, BEGIN_LIMIT_S)
            begun().finish()

        return change

    async def operations(self, call: Call) -> dict[str, Any]:
        """Return the operations of an agent."""
        name = call.names["name"]
        return {"operations": await self._work.do(self._agents.operations, name)}

    async def operation(self, call: Call) -> dict[str, Any]:
        """Return the session of an operation."""
        name, operation = call.names["name"], call.names["operation"]
        return {"session": await self._work.do(self._agents.status, name, operation)}

    async def request(self, call: Call) -> dict[str, Any]:
        """Start, stop or abort an operation."""
        name, operation, action = (call.names[key] for key in ("name", "operation", "action"))
        if action not in OPERATION_ACTIONS:
            raise MissingError(
                f"an operation takes {', '.join(OPERATION_ACTIONS)}, not {action[:40]!r}"
            )
        params = call.body.get("params") or {}
        if not isinstance(params, dict):
            raise UsageError('params has to be an object, e.g. {"params": {"delay": 5}}')
        answer: dict[str, Any] = await self._work.do(
            self._agents.request, name, operation, action, params, call.viewer
        )
        return answer
