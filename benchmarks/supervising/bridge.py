"""The cost of a bridge between two routers: ``python -m benchmarks.supervising.bridge``.

Two crossbars, a bridge in a process of its own, and in this process a publisher and a caller at the
leaf, a subscriber and a callee at the hub. The same once more with all four at the hub, for
comparison. Figures are processor time, which a busy machine changes least, and medians.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from twisted.internet.defer import Deferred, inlineCallbacks

from benchmarks.router import free_port
from ocsd.bridge.bridge import RouterBridge
from ocsd.bus.endpoint import RouterAddress, connect
from ocsd.bus.wamp import (
    ApplicationError,
    ComponentConfig,
    LoggedInSession,
    SubscribeOptions,
    TransportLost,
)
from ocsd.reactor.threads import the_reactor
from ocsd.router import config
from ocsd.site.model import Hub
from ocsd.system.classes import CALM_TOPIC
from ocsd.system.paths import is_listening

ROOT = "observatory"
REALM = "test_realm"
TOPIC = f"{ROOT}.bench.feeds.values"
PROCEDURE = f"{ROOT}.bench.echo"
AHEAD = 200
"""Events that are published ahead of the subscriber."""
AGENTS, BEATS = 100, 20
"""Agents at the leaf, and the heartbeats of each, one a second."""


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=4000)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--bridge", nargs=2, metavar=("SOCKET", "URL"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.bridge:
        be_bridge(*args.bridge)
        return
    with tempfile.TemporaryDirectory(prefix="ocsd-") as name:
        folder = Path(name)
        with router(folder / "hub") as hub, router(folder / "leaf") as leaf:
            reactor: Any = the_reactor()
            measuring = measure(hub, leaf, args.events, args.calls)
            failed: list[Any] = []
            measuring.addErrback(failed.append)
            measuring.addBoth(lambda _: reactor.running and reactor.stop())
            reactor.run()
            for failure in failed:
                failure.raiseException()


def be_bridge(socket: str, url: str) -> None:
    """Be the bridge."""
    reactor: Any = the_reactor()
    bridge = RouterBridge("leaf", RouterAddress("", REALM, socket), RouterAddress(url, REALM), ROOT)
    reactor.callWhenRunning(bridge.start)
    reactor.run()


class Router:
    """A router that runs."""

    def __init__(self, folder: Path, hub: Hub, process: subprocess.Popen[bytes]) -> None:
        self.socket, self.bridge_socket = folder / "r.sock", folder / "bridge" / "r.sock"
        self.url = hub.wamp_server
        (self.worker,) = psutil.Process(process.pid).children()

    def cpu_s(self) -> float:
        """Return the processor time that it has used [s]."""
        return sum(self.worker.cpu_times()[:2])


@contextmanager
def router(folder: Path) -> Iterator[Router]:
    """Run a router that can be a hub and a leaf."""
    folder.mkdir()
    url = f"127.0.0.1:{free_port(18300, 18399)}"
    hub = Hub(wamp_server=f"ws://{url}/ws", wamp_http=f"http://{url}/call")
    bridge_socket = folder / "bridge" / "r.sock"
    config.write(folder, hub, folder / "r.sock", bridge_socket=bridge_socket)
    start = config.start(config.find_crossbar(None), folder)
    environment = os.environ | start.environment
    process = subprocess.Popen(
        start.command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        while not is_listening(folder / "r.sock"):
            time.sleep(0.05)
        yield Router(folder, hub, process)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Client(LoggedInSession):
    """A program at a router."""

    def __init__(self) -> None:
        super().__init__(ComponentConfig(REALM))
        self.is_joined: Deferred[None] = Deferred()

    def onJoin(self, details: Any) -> None:
        """Go on."""
        self.is_joined.callback(None)


@inlineCallbacks
def client(socket: Path) -> Any:
    """Return a client that has joined at a raw socket."""
    session = Client()
    yield connect(RouterAddress("", REALM, str(socket)), lambda: session, the_reactor())
    yield session.is_joined
    return session


class Load:
    """The events and calls, and the program at the hub that gets them."""

    def __init__(self) -> None:
        self.heard: list[int] = []

    @inlineCallbacks
    def begin(self, socket: Path) -> Any:
        """Subscribe and register at a router."""
        provider = yield client(socket)
        yield provider.subscribe(lambda number, _: self.heard.append(number), TOPIC)
        yield provider.register(lambda *args: args[0], PROCEDURE)

    @inlineCallbacks
    def publish(self, session: Any, count: int) -> Any:
        """Publish events, not too far ahead of who hears them; each has to come once."""
        self.heard.clear()
        for number in range(count):
            session.publish(TOPIC, number, {"timestamps": [1.0] * 100, "values": [0.5] * 100})
            while number - len(self.heard) > AHEAD:
                yield pause(0.002)
        while len(self.heard) < count:
            yield pause(0.01)
        if self.heard != list(range(count)):
            raise RuntimeError("the events did not come once and in order")

    @inlineCallbacks
    def call(self, session: Any, count: int) -> Any:
        """Make calls one after the other; return the median time of one [s]."""
        took_s = []
        for number in range(count):
            began_s = time.perf_counter()
            yield session.call(PROCEDURE, number)
            took_s.append(time.perf_counter() - began_s)
        return statistics.median(took_s)


@inlineCallbacks
def measure(hub: Router, leaf: Router, events: int, calls: int) -> Any:
    """Measure one router, then the bridged pair."""
    load = Load()
    yield load.begin(hub.socket)
    local = yield client(hub.socket)
    far = yield client(leaf.socket)
    began_s = time.perf_counter()
    words = [sys.executable, "-m", "benchmarks.supervising.bridge", "--bridge"]
    process = subprocess.Popen([*words, str(leaf.bridge_socket), hub.url])
    bridge = psutil.Process(process.pid)

    def used_s() -> list[float]:
        return [hub.cpu_s(), leaf.cpu_s(), cpu_s(bridge)]

    try:
        yield answered(far)
        start_s = time.perf_counter() - began_s
        told = {"bridge_start_s": round(start_s, 2), "bridge_rss_mib": rss_mib(bridge)}
        for name, session in (("one router", local), ("bridged", far)):
            before = used_s()
            yield load.publish(session, events)
            between = used_s()
            median_s = yield load.call(session, calls)
            told[name] = {
                "event_us": spent(before, between, events),
                "call_us": spent(between, used_s(), calls),
                "call_median_ms": round(1000 * median_s, 2),
            }
        for name in ("each heartbeat", "heartbeats that say something"):
            told[name] = yield _heartbeats(hub, far, used_s, is_calm=name != "each heartbeat")
        print(json.dumps({**told, "bridge_rss_after_mib": rss_mib(bridge)}, indent=2))
    finally:
        process.kill()
        process.wait()


@inlineCallbacks
def _heartbeats(hub: Router, far: Any, used_s: Callable[[], list[float]], *, is_calm: bool) -> Any:
    """Return the cost of an agent of the leaf for a second, with a registry at the hub."""
    registry, heard = (yield client(hub.socket)), [0]

    def beat(*_: Any) -> None:
        heard[0] += 1

    options = SubscribeOptions(match="wildcard")
    yield registry.subscribe(beat, f"{ROOT}..feeds.heartbeat", options)
    if is_calm:
        yield registry.subscribe(beat, f"{ROOT}.{CALM_TOPIC}")
    yield pause(2.0)
    before, beats = used_s(), [{"acq": 3, "delay_task": 1}, {"agent_class": "FakeDataAgent"}]
    for _ in range(BEATS):
        for number in range(AGENTS):
            far.publish(f"{ROOT}.agent-{number}.feeds.heartbeat", beats)
        yield pause(1.0)
    told = spent(before, used_s(), BEATS * AGENTS)
    yield registry.leave()
    yield pause(1.0)
    return {**told, "heard": round(heard[0] / (BEATS * AGENTS), 2)}


def rss_mib(process: psutil.Process) -> int:
    """Return the memory of a process [MiB]."""
    return round(process.memory_info().rss / 2**20)


@inlineCallbacks
def answered(session: Any) -> Any:
    """Wait until the bridge passes calls and events on."""
    while True:
        try:
            yield session.call(PROCEDURE, 0)
        except (ApplicationError, TransportLost):
            yield pause(0.02)
        else:
            break
    yield pause(1.0)  # its subscriptions follow


def pause(time_s: float) -> "Deferred[None]":
    """Return a Deferred that fires later."""
    later: Deferred[None] = Deferred()
    reactor: Any = the_reactor()
    reactor.callLater(time_s, later.callback, None)
    return later


def cpu_s(process: psutil.Process) -> float:
    """Return the processor time of a process [s]."""
    return sum(process.cpu_times()[:2])


def spent(before: list[float], after: list[float], count: int) -> dict[str, int]:
    """Return the processor time for each of `count` events or calls [us], by process."""
    names = ("hub", "leaf", "bridge")
    pairs = zip(names, before, after, strict=True)
    return {name: round((late - early) / count * 1e6) for name, early, late in pairs}


if __name__ == "__main__":
    main()
