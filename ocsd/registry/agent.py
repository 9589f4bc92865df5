"""The agent that reports which agents of the site are alive."""

import argparse
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from twisted.internet.defer import Deferred, inlineCallbacks

from ocsd import ocs_agent, site_config
from ocsd.base import OpCode
from ocsd.reactor.repeating import repeating
from ocsd.reactor.threads import the_reactor
from ocsd.registry.table import KnownAgents, RegistryEntry, field_name, sender_of
from ocsd.system.classes import CALM_TOPIC

REGISTRY_CLASS: Final = "RegistryAgent"
OPERATIONS_FEED: Final = "agent_operations"
EXPIRY_CHECK_S: Final = 1.0
PUBLISH_EVERY_S: Final = 30.0

# One message carries the changes of one time, e.g. when a whole site starts.
BUFFER_TIME_S: Final = 0.1


class Registry:
    """Listens to heartbeats and publishes the state of every operation.

    Everything happens in the reactor's thread. The agent gets the process ``main``, the task
    ``register_agent`` and the feed ``agent_operations``.

    Parameters
    ----------
    publish_every_s : float
        Time between two reports of operations that have not changed [s].
    wall, monotonic : callable
        The clocks [s].
    """

    def __init__(
        self,
        agent: ocs_agent.OCSAgent,
        publish_every_s: float = PUBLISH_EVERY_S,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.table = KnownAgents()
        self._log = agent.log
        self._agent = agent
        self._publish_every_s = publish_every_s
        self._wall = wall
        self._monotonic = monotonic
        self._published_s = monotonic()
        self._stopping: Deferred[None] | None = None
        agent.register_feed(
            OPERATIONS_FEED,
            record=True,
            agg_params={"frame_length": 60},
            buffer_time=BUFFER_TIME_S,
        )
        agent.subscribe_on_start(
            self.receive,
            f"{agent.site_args.address_root}..feeds.heartbeat",
            options={"match": "wildcard"},
        )
        agent.subscribe_on_start(_nothing, f"{agent.site_args.address_root}.{CALM_TOPIC}")
        agent.register_process("main", self.main, self.stop_main, blocking=False, startup=True)
        agent.register_task("register_agent", self.register_agent, blocking=False)

    def receive(self, pair: Any, *_more: Any) -> None:
        """Take in a heartbeat from the bus."""
        if isinstance(pair, list | tuple) and len(pair) == 2:
            changed = self.table.beat(pair[0], pair[1], self._wall(), self._monotonic())
            if entry := self.table.entries.get(sender_of(pair[1])):
                self._agent.if_repeated(entry.agent_address, partial(self._receive_again, entry))
                self._publish(entry.agent_address, changed)

    def _receive_again(self, entry: RegistryEntry) -> bool:
        return self.table.beat_again(entry, self._wall(), self._monotonic())

    @ocs_agent.param("test_mode", default=False, type=bool)
    @inlineCallbacks
    def main(self, session: ocs_agent.OpSession, params: dict[str, Any]) -> Any:
        """main(test_mode=False)

        **Process** - Keep track of which agents are alive.

        Parameters
        ----------
        test_mode : bool, optional
            End after the first second.

        Notes
        -----
        The session data hold every agent that was heard since the start; one
        that is silent for 5 s is expired, and its operations have code 7::

            >>> response.session['data']
            {'observatory.fake-data1': {
                'expired': False,
                'time_expired': None,
                'last_updated': 1795328225.75,
                'op_codes': {'acq': 3, 'count': 1, 'delay_task': 1},
                'agent_class': 'FakeDataAgent',
                'agent_address': 'observatory.fake-data1'}}
        """  # noqa: D400 # clients show the first line as the call
        self._stopping = Deferred()
        turn = partial(self._turn, session, bool(params["test_mode"]))
        loop = repeating(turn, the_reactor())
        # A defect in a turn ends the process, and says so.
        loop.start(EXPIRY_CHECK_S).addErrback(self._stopping.errback)
        if session.status == "stopping":  # asked before it began
            self._end_main()
        try:
            yield self._stopping
        finally:
            self._stopping = None
            if loop.running:
                loop.stop()
            session.data = dict(self.table)
        return True, "the registry has stopped"

    def stop_main(self, session: ocs_agent.OpSession, _params: Any) -> tuple[bool, str]:
        """Ask ``main`` to end."""
        session.set_status("stopping")
        self._end_main()
        return True, "requested to stop the registry"

    def register_agent(self, _session: ocs_agent.OpSession, _params: Any) -> tuple[bool, str]:
        """register_agent()

        **Task** - Do nothing; very old agents call it. Heartbeats register agents.
        """  # noqa: D400 # clients show the first line as the call
        return True, "'register_agent' is deprecated"

    def _end_main(self) -> None:
        if self._stopping is not None and not self._stopping.called:
            self._stopping.callback(None)

    def _turn(self, session: ocs_agent.OpSession, only_once: bool) -> None:
        at, now_s = self._wall(), self._monotonic()
        # The router does not send an agent its own heartbeat.
        own, codes = self.table.entries.get(self._agent.agent_address or ""), self._own_codes()
        if own is None or own.op_codes != codes or not self.table.beat_again(own, at, now_s):
            self.receive([codes, self._agent.feeds[OPERATIONS_FEED].encoded()])
        expired = self.table.expire(at, now_s)
        for entry in expired:
            self._log.warn(
                "{agent} is silent for {age:.1f} s: expired",
                agent=entry.agent_address,
                age=now_s - entry.heard_s,
            )
        session.data = self.table
        shown: Iterable[RegistryEntry] = expired
        if now_s - self._published_s >= self._publish_every_s:
            self._published_s, shown = now_s, self.table.entries.values()
        for entry in shown:
            self._publish(entry.agent_address, entry.op_codes)
        if only_once:
            self._end_main()

    def _own_codes(self) -> dict[str, int]:
        sessions = self._agent.sessions
        codes = {name: int(session.op_code) for name, session in sessions.items() if session}
        return {**dict.fromkeys(sessions, OpCode.NONE.value), **codes}

    def _publish(self, agent_address: str, codes: Mapping[str, int]) -> None:
        now = self._wall()
        for op_name, code in codes.items():
            name = field_name(agent_address, op_name)
            if name is not None:
                message = {"block_name": name, "timestamp": now, "data": {name: code}}
                self._agent.publish_to_feed(OPERATIONS_FEED, message)


def _nothing(*_: Any) -> None:
    """Stand for what nobody publishes."""


def build(agent: ocs_agent.OCSAgent, publish_every_s: float = PUBLISH_EVERY_S) -> Registry:
    """Make an agent the registry, before it connects (see `Registry`)."""
    return Registry(agent, publish_every_s)


def make_parser(parser: argparse.ArgumentParser | None = None) -> argparse.ArgumentParser:
    """Add the agent's own options to a parser."""
    parser = parser or argparse.ArgumentParser()
    group = parser.add_argument_group("Agent options")
    group.add_argument(
        "--wait-time",
        type=float,
        default=PUBLISH_EVERY_S,
        help="time between two reports of all operations [s] (default: 30)",
    )
    return parser


def main(args: list[str] | None = None) -> None:
    """Run the registry until it is asked to end."""
    parsed = site_config.parse_args(agent_class=REGISTRY_CLASS, parser=make_parser(), args=args)
    agent, runner = ocs_agent.init_site_agent(parsed)
    build(agent, parsed.wait_time)
    runner.run(agent, auto_reconnect=True)


if __name__ == "__main__":
    main()
