"""The alarms of the host, as the daemon has them, and what people ask about them."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from ocsd.web.server.route import Call
from ocsd.web.sources.daemon import ANSWER_LIMIT_S, DaemonLink

TEST_LIMIT_S: Final = 60.0
"""Time in which the receivers of a test have answered [s]."""


class AlarmEndpoints:
    """Answers `alarms` and its requests."""

    def __init__(self, daemon: DaemonLink) -> None:
        self._daemon = daemon

    async def alarms(self, _call: Call) -> dict[str, Any]:
        """Answer with all alarms."""
        return await self.all_alarms()

    async def all_alarms(self) -> dict[str, Any]:
        """Return the answer of the daemon about its alarms.

        Raises
        ------
        AwayError, RefusedByDaemonError
            If it does not answer, or refuses.
        """
        return await self._ask("/v1/alarms")

    def request(self, verb: str) -> Callable[[Call], Awaitable[dict[str, Any]]]:
        """Return the handler of ``ack``, ``silence``, ``unsilence`` or ``test``."""
        limit_s = ANSWER_LIMIT_S
        if verb == "test":
            limit_s = TEST_LIMIT_S

        async def change(call: Call) -> dict[str, Any]:
            body = {**call.body, "by": call.who, "caller": call.viewer.caller()}
            return await self._ask(f"/v1/alarms/{verb}", body, limit_s)

        return change

    async def _ask(
        self, target: str, body: Mapping[str, Any] | None = None, limit_s: float = ANSWER_LIMIT_S
    ) -> dict[str, Any]:
        lines: list[bytes] = []
        await self._daemon.ask(target, lines.append, body, limit_s, whole=True)
        return dict(json.loads(b"\n".join(lines)))
