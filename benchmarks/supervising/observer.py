"""One WAMP client that watches the site from outside, in the same way for both sides."""

import threading
import time
from collections.abc import Callable, Collection
from typing import Any

from autobahn.twisted.component import Component
from autobahn.wamp.exception import ApplicationError, SessionNotReady
from autobahn.wamp.types import SubscribeOptions
from twisted.internet import reactor as _reactor
from twisted.internet import threads
from twisted.internet.defer import CancelledError, Deferred, TimeoutError

from benchmarks.site import Hub

RUNNING = 3  # OpCode, see docs/reference/wire.md
POLL_S = 0.005
CALL_LIMIT_S = 5.0
JOIN_LIMIT_S = 30.0

reactor: Any = _reactor  # twisted types it as a module


class Observer:
    """Hears every heartbeat of the site and asks agents for their status.

    Its reactor runs in a thread of its own: a process has one Observer, once.

    Parameters
    ----------
    hub : Hub
        The router to join.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._session: Any = None
        self._changed = threading.Condition()
        self._since_s: dict[tuple[str, str], float] = {}
        self._component = Component(
            transports=[{"type": "websocket", "url": hub.wamp_server, "serializers": ["cbor"]}],
            realm=hub.realm,
        )
        self._component.on_join(self._joined)
        self._thread = threading.Thread(
            target=reactor.run, kwargs={"installSignalHandlers": False}, daemon=True
        )

    def open(self) -> None:
        """Join the router and listen.

        Raises
        ------
        TimeoutError
            If the router does not let it join.
        """
        reactor.callWhenRunning(self._component.start, reactor)
        self._thread.start()
        self._wait(lambda: self._session is not None, JOIN_LIMIT_S, "joining the router")

    def close(self) -> None:
        """Leave and end the reactor for good."""
        reactor.callFromThread(self._component.stop)
        reactor.callFromThread(reactor.callLater, 0.2, reactor.stop)
        self._thread.join(5)

    def forget(self) -> None:
        """Start a new watch: nothing has been heard yet."""
        with self._changed:
            self._since_s.clear()

    def wait_running(self, instance_ids: Collection[str], op: str, limit_s: float) -> float:
        """Wait until heartbeats have shown `op` running in every instance.

        Returns
        -------
        float
            When the last one was first heard, on the monotonic clock [s].
        """
        wanted = [(instance_id, op) for instance_id in instance_ids]
        self._wait(
            lambda: all(key in self._since_s for key in wanted),
            limit_s,
            f"{op} running in {len(wanted)} agents",
        )
        with self._changed:
            return max(self._since_s[key] for key in wanted)

    def call(self, address: str, *arguments: Any) -> Any:
        """Call a procedure and wait for its answer.

        Raises
        ------
        LookupError
            If nobody answers there now.
        """
        try:
            return threads.blockingCallFromThread(reactor, self._call, address, arguments)
        except (ApplicationError, SessionNotReady, TimeoutError, CancelledError) as error:
            raise LookupError(f"{address}: {error}") from error

    def ops(self, instance_id: str, action: str, op: str, params: Any = None) -> Any:
        """Ask an agent to do something with one of its operations."""
        return self.call(f"{self._hub.address(instance_id)}.ops", action, op, params)

    def session(self, instance_id: str, op: str) -> dict[str, Any]:
        """Return the session of an operation, empty if it has none or nobody answers."""
        try:
            answer = self.ops(instance_id, "status", op)
        except LookupError:
            return {}
        return dict(answer[2])

    def pid(self, instance_id: str) -> int:
        """Return the pid that an agent says it has."""
        return int(self.call(self._hub.address(instance_id), "get_api")["instance_pid"])

    def poll_running(self, instance_id: str, op: str, after_at: float, limit_s: float) -> float:
        """Ask every 5 ms until a session that began after `after_at` is running.

        Heartbeats come once a second, too coarse for what is wanted here.

        Parameters
        ----------
        instance_id, op : str
            Whom to ask for what.
        after_at : float
            Unix time; tells the new session from the old one.
        limit_s : float
            How long to try.

        Returns
        -------
        float
            When the answer had come, on the monotonic clock [s].

        Raises
        ------
        TimeoutError
            If it never ran.
        """
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            session = self.session(instance_id, op)
            if session.get("status") == "running" and session["start_time"] > after_at:
                return time.monotonic()
            time.sleep(POLL_S)
        raise TimeoutError(f"{instance_id}: {op} was not running again within {limit_s:g} s")

    def _wait(self, condition: Callable[[], bool], limit_s: float, what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(condition, limit_s):
                raise TimeoutError(f"gave up {what} after {limit_s:g} s")

    def _call(self, address: str, arguments: tuple[Any, ...]) -> Deferred[Any]:
        if self._session is None:
            raise SessionNotReady("not joined")
        answer: Deferred[Any] = self._session.call(address, *arguments)
        return answer.addTimeout(CALL_LIMIT_S, reactor)

    def _joined(self, session: Any, _details: Any) -> Any:
        def subscribed(_subscription: Any) -> None:
            with self._changed:
                self._session = session
                self._changed.notify_all()

        topic = f"{self._hub.address_root}..feeds.heartbeat"
        waiting = session.subscribe(self._beat, topic, SubscribeOptions(match="wildcard"))
        return waiting.addCallback(subscribed)

    def _beat(self, event: Any) -> None:
        codes, feed_info = event
        instance_id = feed_info["agent_address"].removeprefix(f"{self._hub.address_root}.")
        now_s = time.monotonic()
        with self._changed:
            for op, code in codes.items():
                if code == RUNNING:
                    self._since_s.setdefault((instance_id, op), now_s)
            self._changed.notify_all()
