"""Many agents in one process, each with a session of its own: what router and daemon see of them.

::

    python -m benchmarks.site.light_agents ADDRESS REALM ROOT FIRST COUNT

Each registers the two procedures of an agent and publishes a heartbeat a second. Prints how long
joining took, and goes on until its standard input ends.
"""

import asyncio
import sys
import time
from typing import Any

from autobahn.wamp.types import RegisterOptions
from twisted.internet import asyncioreactor

from benchmarks.site.sessions import joined

RUNNING = 3
"""The code of an operation that runs (docs/reference/wire.md)."""


class LightAgent:
    """The face of an agent, without anything behind it.

    Parameters
    ----------
    session : object
        Its WAMP session.
    root, name : str
        The site's address root, and the instance-id.
    """

    def __init__(self, session: Any, root: str, name: str) -> None:
        self._session = session
        self._address = f"{root}.{name}"
        self._info = {
            "agent_address": self._address,
            "agg_params": {"frame_length": 60},
            "feed_name": "heartbeat",
            "address": f"{self._address}.feeds.heartbeat",
            "record": False,
            "session_id": f"{time.time():.6f}",
            "agent_class": "LightAgent",
        }

    async def register(self) -> None:
        """Register what an agent registers."""
        loop = asyncio.get_running_loop()
        options = RegisterOptions(details_arg="details")
        for name in (self._address, f"{self._address}.ops"):
            answer = self._session.register(self._answer, name, options=options)
            await answer.asFuture(loop)

    async def live(self, after_s: float) -> None:
        """Publish heartbeats for ever."""
        await asyncio.sleep(after_s)
        while True:
            self._session.publish(self._info["address"], [{"acq": RUNNING}, self._info])
            await asyncio.sleep(1.0)

    def _answer(self, *_arguments: Any, **_more: Any) -> Any:
        return {"agent_class": "LightAgent", "instance_pid": 0, "tasks": [], "processes": []}


async def main(address: str, realm: str, root: str, first: int, count: int) -> None:
    """Run them."""
    begun_s = time.monotonic()
    sessions = await joined(address, realm, count)
    agents = [
        LightAgent(each, root, f"light-{first + number:04}") for number, each in enumerate(sessions)
    ]
    await asyncio.gather(*(agent.register() for agent in agents))
    print(f"{time.monotonic() - begun_s:.3f}", flush=True)
    beating = [
        asyncio.create_task(agent.live(number / count)) for number, agent in enumerate(agents)
    ]
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    for task in beating:
        task.cancel()


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        asyncioreactor.install(runner.get_loop())
        runner.run(main(*sys.argv[1:4], *map(int, sys.argv[4:6])))
