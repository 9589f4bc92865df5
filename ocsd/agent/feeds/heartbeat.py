"""The heartbeat: the state of all operations, which an agent publishes every second."""

from typing import Any

from ocsd.agent.feeds.feed import Feed
from ocsd.base import OpCode
from ocsd.bus.repeated import RepeatedPublication
from ocsd.bus.wamp import Disconnected, TransportLost
from ocsd.reactor.ticker import Ticker

HEARTBEAT = "heartbeat"
HEARTBEAT_PERIOD_S = 1.0
# An agent without messages notices after so many heartbeats whose aggregator records it.
BEATS_BETWEEN_LOOKS = 3

_NEVER_RAN = int(OpCode.NONE)


class HeartbeatFeed(Feed):
    """A feed whose messages are ocsd's own, and differ in little but their number."""

    def __init__(self, agent: Any, *args: Any, **options: Any) -> None:
        super().__init__(agent, *args, **options)
        self._publish_again = RepeatedPublication(agent)
        self._told: tuple[Any, dict[str, Any]] | None = None
        self._pair: list[Any] = []

    def publish_message(self, message: Any, timestamp: float | None = None) -> None:
        """Publish a message that nobody has to check or copy; from any thread.

        Raises
        ------
        ValueError
            If the feed breaks a rule.
        """
        if self.refusal:
            raise ValueError(self.refusal)
        self._in_reactor(self._send, message)

    def beat(self, codes: dict[str, int]) -> None:
        """Publish the numbers of the operations' states (reactor thread)."""
        if not self.refusal:
            self._send(codes)

    def _send(self, message: Any, body: bytes | None = None) -> None:
        told = message, self._more_info()
        if told != self._told:
            self._told = told
            self._pair = [message, {**self.encoded(), **told[1]}]
        number = self.next_number
        self.next_number += 1
        try:  # noqa: SIM105 - suppress() calls three functions, every second
            self._publish_again(self.address, self._pair, number)
        except (TransportLost, Disconnected):
            pass


class Heartbeat:
    """Publishes the state of all operations while the agent is joined.

    Attributes
    ----------
    on : bool
        Whether to publish; a task can switch it off to try out a silent agent.
    """

    def __init__(self, agent: Any) -> None:
        self.on = True
        self._agent = agent
        self._feed: HeartbeatFeed | None = None
        self._beats = 0
        self._ticker = Ticker(HEARTBEAT_PERIOD_S, self.beat)

    @property
    def is_published(self) -> bool:
        """Whether heartbeats are published each second, for those who can hear them."""
        return self.on and self._ticker.is_on and self._feed is not None and not self._feed.refusal

    def start(self) -> None:
        """Publish now and then every second."""
        if self._feed is None:
            # Old heartbeats are of no use, so none are kept. Its `feeds` show a recorder
            # whether it has missed the last message of a feed.
            self._feed = HeartbeatFeed(self._agent, HEARTBEAT, keep=False, more_info=self._numbers)
            self._agent.feeds[HEARTBEAT] = self._feed
        self._ticker.start()

    def stop(self) -> None:
        """Stop publishing."""
        self._ticker.stop()

    def beat(self) -> None:
        """Publish once."""
        if self.on and self._feed is not None:
            # By int(), because Python's `value` calls two functions.
            codes = {
                name: _NEVER_RAN if session is None else int(session.op_code)
                for name, session in self._agent.sessions.items()
            }
            self._feed.beat(codes)

    def _numbers(self) -> dict[str, Any]:
        spools = self._agent.spools
        if self._beats % BEATS_BETWEEN_LOOKS == 0:
            spools.recorded_by.look()
        self._beats += 1
        return {"feeds": spools.numbers(), **spools.recorded_by.stamp}
