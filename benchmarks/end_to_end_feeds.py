"""Agents that publish as fast as an aggregator takes it in; a process of its own.

::

    python -m benchmarks.end_to_end_feeds SOCKET REALM ROOT PLAN

PLAN is a `Plan` as JSON. Publishes until the time is over, has the aggregator end its
recording, and prints a line of JSON (`Published`).

After some messages each session asks the aggregator for its status and goes on with
the answer, which comes behind these messages on the same link: so what is on its way
is bounded, by the slowest of publisher, router and aggregator.
"""

import asyncio
import dataclasses
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from autobahn.wamp.exception import ApplicationError
from twisted.internet import asyncioreactor

from benchmarks.site.sessions import joined

AGGREGATOR = "aggregator"
FIELDS = 16
SESSIONS = 4
# A second lot is on its way while the aggregator answers for the first.
LOTS = 2
POLL_S = 0.05
SEEN_LIMIT_S = 300.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What is published.

    Attributes
    ----------
    feeds : int
        Of each session.
    samples : int
        Of each message, in 16 fields.
    lot : int
        Messages between two questions.
    seconds : float
        How long [s].
    period_s : float
        Time from one lot to the next [s]; 0 is as fast as it goes.
    frame_s : float
        Length of the aggregator's frames [s].
    numbered : bool
        Whether messages have numbers, as those of ocsd's agents have.
    """

    feeds: int
    samples: int
    lot: int
    seconds: float
    period_s: float
    frame_s: float
    numbered: bool


@dataclass(frozen=True, slots=True)
class Published:
    """What came of it.

    Attributes
    ----------
    messages : int
        How many were published.
    took_s : float
        From the first message until the aggregator has dealt with the last [s].
    cpu_s : float
        Processor time of the publishing alone [s].
    """

    messages: int
    took_s: float
    cpu_s: float


class Feed:
    """One feed of an agent.

    Parameters
    ----------
    session : object
        WAMP session that publishes it.
    root, agent, name : str
        Address root, instance and feed.
    plan : Plan
        Shape of the messages.
    """

    def __init__(self, session: Any, root: str, agent: str, name: str, plan: Plan) -> None:
        self.address = f"{root}.{agent}.feeds.{name}"
        self._session = session
        self._plan = plan
        self._number = 0
        self._until_at = time.time()
        self._columns = {
            f"channel_{i:02}": [random.random() for _ in range(plan.samples)] for i in range(FIELDS)
        }
        self._info = {
            "agent_address": f"{root}.{agent}",
            "agg_params": {"frame_length": plan.frame_s},
            "feed_name": name,
            "address": self.address,
            "record": True,
            "session_id": f"{time.time():.6f}",
            "agent_class": "Benchmark",
        }

    def publish(self) -> None:
        """Publish a message with samples up to now."""
        begin_at, self._until_at = self._until_at, time.time()
        step_s = (self._until_at - begin_at) / self._plan.samples
        times = [begin_at + (i + 1) * step_s for i in range(self._plan.samples)]
        block = {"block_name": "block", "timestamps": times, "data": self._columns}
        info = self._info
        if self._plan.numbered:
            info = {**info, "seq": self._number}
        self._number += 1
        self._session.publish(self.address, [{"block": block}, info])


class Agents:
    """All that publish.

    Parameters
    ----------
    sessions : sequence
        WAMP sessions that have joined.
    root : str
        Address root.
    plan : Plan
        What to publish.
    """

    def __init__(self, sessions: Sequence[Any], root: str, plan: Plan) -> None:
        self._plan = plan
        self._session = sessions[0]
        self._ops = f"{root}.{AGGREGATOR}.ops"
        seen = dataclasses.replace(plan, samples=1)
        self._seen = [Feed(self._session, root, "seen", name, seen) for name in ("first", "last")]
        self._feeds = [
            (
                session,
                [Feed(session, root, f"bench{i}", f"data{k}", plan) for k in range(plan.feeds)],
            )
            for i, session in enumerate(sessions)
        ]
        self._messages = 0

    async def run(self, started: Callable[[], None]) -> Published:
        """Publish all, and end the recording."""
        await self._until_seen(self._seen[0])
        started()
        began_s, began_cpu_s = time.monotonic(), time.process_time()
        end_s = began_s + self._plan.seconds
        lots = LOTS if not self._plan.period_s else 1
        await asyncio.gather(
            *(self._keep_on(*pair, end_s) for pair in self._feeds for _ in range(lots))
        )
        cpu_s = time.process_time() - began_cpu_s
        await self._until_seen(self._seen[1])
        took_s = time.monotonic() - began_s
        await self._end_recording()
        return Published(self._messages, took_s, cpu_s)

    async def _keep_on(self, session: Any, feeds: Sequence[Feed], end_s: float) -> None:
        due_s = time.monotonic()
        while time.monotonic() < end_s:
            for i in range(self._plan.lot):
                feeds[i % len(feeds)].publish()
            self._messages += self._plan.lot
            await self._ask(session, "status")
            if self._plan.period_s:
                due_s = max(due_s + self._plan.period_s, time.monotonic())
                await asyncio.sleep(due_s - time.monotonic())

    async def _until_seen(self, feed: Feed) -> None:
        """Publish something until the aggregator has dealt with it, thus with all before."""
        limit_s = time.monotonic() + SEEN_LIMIT_S
        feed.publish()
        again_s = time.monotonic() + 1.0
        while True:
            answer = await self._ask(self._session, "status")
            if feed.address in (answer.get("data") or {}).get("providers", {}):
                return
            if time.monotonic() > limit_s:
                raise TimeoutError(f"no sign of {feed.address} in {answer}")
            if time.monotonic() > again_s:
                # The first came before the aggregator listened.
                feed.publish()
                again_s += 1.0
            await asyncio.sleep(POLL_S)

    async def _end_recording(self) -> None:
        await self._ask(self._session, "stop")
        limit_s = time.monotonic() + SEEN_LIMIT_S
        while (await self._ask(self._session, "status")).get("status") != "done":
            if time.monotonic() > limit_s:
                raise TimeoutError("the aggregator does not end its recording")
            await asyncio.sleep(POLL_S)

    async def _ask(self, session: Any, action: str) -> dict[str, Any]:
        calling = session.call(self._ops, action, "record")
        try:
            answer = await calling.asFuture(asyncio.get_running_loop())
        except ApplicationError as error:
            if error.error != ApplicationError.NO_SUCH_PROCEDURE:
                raise
            return {}  # it is still starting
        return dict(answer[2] or {})


async def main(socket: str, realm: str, root: str, plan: Plan) -> None:
    """Publish, and print what came of it."""
    random.seed(1)
    agents = Agents(await joined(socket, realm, SESSIONS), root, plan)
    # Whoever started this process reads from its output when the measurement begins.
    published = await agents.run(lambda: print("started", flush=True))
    print(json.dumps(dataclasses.asdict(published)), flush=True)


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        asyncioreactor.install(runner.get_loop())
        runner.run(main(*sys.argv[1:4], Plan(**json.loads(sys.argv[4]))))
