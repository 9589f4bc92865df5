"""Messages of a feed from one place of a site to another, as fast as they go through.

::

    python -m benchmarks.site.messages listen ADDRESS REALM ROOT
    python -m benchmarks.site.messages publish ADDRESS REALM ROOT SECONDS SAMPLES

The first subscribes and counts until its standard input ends. The second publishes messages of 16
fields, and prints a line of JSON (`Passed`). It asks the listener how many have come and is never
far ahead, so the slowest of both and of the routers between them decides.
"""

import asyncio
import dataclasses
import json
import random
import sys
import time
from dataclasses import dataclass
from typing import Any

from autobahn.wamp.exception import ApplicationError
from twisted.internet import asyncioreactor

from benchmarks.site.sessions import joined

FIELDS = 16
LOT = 500
AHEAD = 2 * LOT
ASK_EVERY_S = 0.05
"""Each question costs the routers as much as two messages."""

SEEN_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Passed:
    """What came through.

    Attributes
    ----------
    messages : int
        Published, and received.
    took_s : float
        From the first message until the last was received [s].
    """

    messages: int
    took_s: float


async def listen(address: str, realm: str, root: str) -> None:
    """Count messages, and tell who asks."""
    [session] = await joined(address, realm, 1)
    loop = asyncio.get_running_loop()
    received = 0

    def on_message(_event: Any) -> None:
        nonlocal received
        received += 1

    await session.subscribe(on_message, f"{root}.bench.feeds.data").asFuture(loop)
    await session.register(lambda: received, f"{root}.bench-listener.received").asFuture(loop)
    print("listening", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


class Publisher:
    """The end that publishes.

    Parameters
    ----------
    session : object
        Its WAMP session.
    root : str
        The site's address root.
    samples : int
        Of each message.
    """

    def __init__(self, session: Any, root: str, samples: int) -> None:
        self._session = session
        self._root = root
        self._columns = {
            f"channel_{i:02}": [random.random() for _ in range(samples)] for i in range(FIELDS)
        }
        self._times = [time.time()] * samples
        self._info = {"agent_address": f"{root}.bench", "feed_name": "data", "record": False}

    async def run(self, seconds: float) -> Passed:
        """Publish for some time, and return what came through."""
        await self._until_first()
        begun, begun_s, sent = await self._received(), time.monotonic(), 0
        while time.monotonic() < begun_s + seconds:
            for _ in range(LOT):
                self._send()
            sent += LOT
            await self._until(begun + sent - AHEAD)
        await self._until(begun + sent)
        return Passed(sent, time.monotonic() - begun_s)

    async def _until_first(self) -> None:
        # The subscription may still be on its way to this router.
        limit_s = time.monotonic() + SEEN_LIMIT_S
        while await self._received() < 1:
            if time.monotonic() > limit_s:
                raise TimeoutError("no message has come through")
            self._send()
            await asyncio.sleep(0.2)
        await asyncio.sleep(1.0)

    async def _until(self, count: int) -> None:
        limit_s = time.monotonic() + SEEN_LIMIT_S
        while (received := await self._received()) < count:
            if time.monotonic() > limit_s:
                raise TimeoutError(f"{received} of {count} messages have come through")
            await asyncio.sleep(ASK_EVERY_S)

    async def _received(self) -> int:
        calling = self._session.call(f"{self._root}.bench-listener.received")
        try:
            return int(await calling.asFuture(asyncio.get_running_loop()))
        except ApplicationError as error:
            if error.error != ApplicationError.NO_SUCH_PROCEDURE:
                raise
            return -1  # the listener's router does not know it yet

    def _send(self) -> None:
        block = {"block_name": "block", "timestamps": self._times, "data": self._columns}
        self._session.publish(f"{self._root}.bench.feeds.data", [{"block": block}, self._info])


async def main(words: list[str]) -> None:
    """Listen or publish."""
    what, address, realm, root, *more = words
    if what == "listen":
        await listen(address, realm, root)
    else:
        [session] = await joined(address, realm, 1)
        passed = await Publisher(session, root, int(more[1])).run(float(more[0]))
        print(json.dumps(dataclasses.asdict(passed)), flush=True)


if __name__ == "__main__":
    with asyncio.Runner() as runner:
        asyncioreactor.install(runner.get_loop())
        runner.run(main(sys.argv[1:]))
