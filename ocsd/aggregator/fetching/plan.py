"""Deciding which agent is asked for which messages: no I/O, no clock, no threads.

An agent is first asked for its index, the numbers that it holds: that shows messages and
whole sessions of which the recorder knows nothing. Then it is asked for missing messages,
page by page, until none is missing. Agents that are silent are not asked; their gaps stay
open.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ocsd.aggregator.numbers.source_key import Pending, SourceKey

# A message that has been announced for less than this may be on its way [s].
TRANSIT_GRACE_S: Final = 3.0

# An agent that was silent for longer is not asked [s]; all publish a heartbeat a second.
AGENT_SILENCE_LIMIT_S: Final = 10.0

MOST_REQUESTS: Final = 4
MOST_AGENTS: Final = 10_000

# A page for at most this many messages is small: it should not bring a thousand unwanted ones.
FEW_MESSAGES: Final = 10
SMALL_PAGE_BYTES: Final = 2**16
PAGE_BYTES: Final = 2**20

LONGEST_ASK_DELAY_S: Final = 30.0

Wanted: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class AskIndex:
    """Ask an agent for the numbers that it holds."""

    agent: str


@dataclass(frozen=True, slots=True)
class AskPage:
    """Ask an agent for messages."""

    agent: str
    """Its address."""
    key: SourceKey
    """Feed and session."""
    wanted: Wanted
    """Wanted numbers as half-open ranges; at least one."""
    ended: bool
    """Whether the session is an earlier life of the agent."""
    max_bytes: int = PAGE_BYTES
    """The size that the answer should have [bytes]."""

    @property
    def feed_name(self) -> str:
        """Name of the feed at its agent."""
        return self.key.address.removeprefix(f"{self.agent}.feeds.")

    @property
    def after(self) -> int:
        """The first number that is wanted."""
        return self.wanted[0][0]

    @property
    def end(self) -> int:
        """The number after the last that is wanted."""
        return self.wanted[-1][1]


Request: TypeAlias = AskIndex | AskPage


@dataclass(slots=True)
class _FetchedAgent:
    """An agent that can be asked."""

    session_id: str
    seen_s: float  # time of its last message [monotonic]
    index_due: bool = True
    recorder: str | None = None  # host whose aggregator records its messages; None: the site's
    failures: int = 0  # requests in a row that failed
    not_before_s: float = 0.0  # earliest time of the next request [monotonic]
    # Halved by each failure: where host or link are slow, a whole page never comes in time.
    page_bytes: int = PAGE_BYTES


@dataclass(slots=True)
class _Lack:
    """The missing messages of a source."""

    pending: Pending
    # Since when [monotonic s] all numbers below each of these are known to exist.
    marks: deque[tuple[float, int]] = field(default_factory=deque)
    ripe_end: int = 0  # All numbers below have had time enough to arrive.
    turn: int = 0  # place of its last request among those for all sources

    def update(self, pending: Pending, now_s: float) -> None:
        self.pending = pending
        self.ripen(now_s)
        if not self.marks or self.marks[-1][1] != pending.next_number:
            self.marks.append((now_s, pending.next_number))

    def ripen(self, now_s: float) -> None:
        while self.marks and self.marks[0][0] <= now_s - TRANSIT_GRACE_S:
            self.ripe_end = self.marks.popleft()[1]


class CatchingUp:
    """The agents, the missing messages of their feeds, and the requests to them."""

    def __init__(self) -> None:
        self._agents: dict[str, _FetchedAgent] = {}
        self._lacks: dict[str, dict[SourceKey, _Lack]] = {}
        # The first number held of sources that need not be complete.
        self._held: dict[SourceKey, int] = {}
        self._in_flight: dict[str, Request] = {}
        self._turn = 0

    @property
    def in_flight(self) -> list[Request]:
        """The requests that are not answered."""
        return list(self._in_flight.values())

    def awaits(self, request: Request) -> bool:
        """Return whether this very request is not answered yet."""
        return self._in_flight.get(request.agent) is request

    def agent_seen(self, name: str, session_id: str, now_s: float) -> None:
        """Register that a numbered message of an agent arrived."""
        agent = self._agents.get(name)
        if agent is None:
            if len(self._agents) >= MOST_AGENTS:
                self._forget(now_s)
            self._agents[name] = _FetchedAgent(session_id, now_s)
            return
        if agent.session_id != session_id or now_s - agent.seen_s > AGENT_SILENCE_LIMIT_S:
            agent.session_id = session_id
            agent.index_due = True
            agent.failures, agent.not_before_s = 0, 0.0
        agent.seen_s = now_s

    def recorder_told(self, name: str, recorder: str | None) -> None:
        """Register which host's aggregator records an agent; a change may have left gaps."""
        agent = self._agents.get(name)
        if agent is not None and agent.recorder != recorder:
            agent.recorder, agent.index_due = recorder, True

    def knows(self, name: str) -> bool:
        """Return whether an agent can be asked."""
        return name in self._agents

    def link_lost(self) -> None:
        """Forget the agents: each one is asked for its index when its messages arrive again."""
        self._agents.clear()

    def update(self, pending: Mapping[SourceKey, Pending], now_s: float) -> None:
        """Take over which messages of all numbered sources the recorder has and lacks."""
        self._held = {
            key: first
            for key, first in self._held.items()
            if key in pending and self._is_held_before(key, pending[key])
        }
        lacks: dict[str, dict[SourceKey, _Lack]] = {}
        for key, source in pending.items():
            # A feed that does not belong to its sender cannot be asked for.
            if key.address.startswith(f"{source.sender}.feeds.") and (
                source.missing or self._is_held_before(key, source)
            ):
                lack = self._lacks.get(source.sender, {}).get(key) or _Lack(source)
                lack.update(source, now_s)
                lacks.setdefault(source.sender, {})[key] = lack
        self._lacks = lacks

    def holds(self, first_numbers: Mapping[SourceKey, int]) -> None:
        """Take over the first number of each source that an agent holds.

        It matters where an agent holds more than has to be recorded: of a session that
        began before the folder was first recorded.
        """
        self._held.update(first_numbers)

    def plan(self, now_s: float) -> list[Request]:
        """Return the requests to send now; they count as sent."""
        requests: list[Request] = []
        for name, agent in list(self._agents.items()):
            if len(self._in_flight) >= MOST_REQUESTS:
                break
            silent = now_s - agent.seen_s > AGENT_SILENCE_LIMIT_S
            if silent or name in self._in_flight or now_s < agent.not_before_s:
                continue
            request = self._next_request(name, agent, now_s)
            if request is not None:
                # To the end of the row, so that every agent gets its turn.
                self._agents[name] = self._agents.pop(name)
                self._in_flight[name] = request
                requests.append(request)
        return requests

    def answered(self, name: str, end: int, now_s: float) -> None:
        """Finish the request to an agent whose answer has been recorded, after an `update`.

        After a page no number before `end` needs to be asked for again.
        """
        request = self._in_flight[name]
        agent = self._agents.get(name)
        match request:
            case AskIndex():
                if agent is not None:
                    agent.index_due = False
            case AskPage(key=key):
                if key in self._held:
                    self._held[key] = max(self._held[key], end)
                lack = self._lacks.get(name, {}).get(key)
                if lack is not None and any(
                    first <= request.after < last for first, last in self._wanted(key, lack)
                ):
                    # E.g. the recording pauses, so asking again at once would be useless.
                    self.failed(request, now_s)
                    return
        del self._in_flight[name]
        if agent is not None:
            agent.failures, agent.not_before_s = 0, 0.0
            if isinstance(request, AskPage):
                agent.page_bytes = min(2 * agent.page_bytes, PAGE_BYTES)

    def failed(self, request: Request, now_s: float) -> None:
        """Finish a request without a useful answer; the agent is asked again later."""
        self._in_flight.pop(request.agent, None)
        agent = self._agents.get(request.agent)
        if agent is not None:
            agent.not_before_s = now_s + min(2.0**agent.failures, LONGEST_ASK_DELAY_S)
            agent.failures = min(agent.failures + 1, 10)
            agent.page_bytes = max(agent.page_bytes // 2, SMALL_PAGE_BYTES)

    def _next_request(self, name: str, agent: _FetchedAgent, now_s: float) -> Request | None:
        if agent.index_due:
            return AskIndex(name)
        lacks = self._lacks.get(name, {})
        for key, lack in sorted(lacks.items(), key=lambda item: item[1].turn):
            lack.ripen(now_s)
            wanted = tuple(self._wanted(key, lack))
            if wanted:
                self._turn += 1
                lack.turn = self._turn
                ended = key.session_id != agent.session_id
                few = sum(end - first for first, end in wanted) <= FEW_MESSAGES
                size = SMALL_PAGE_BYTES if few else agent.page_bytes
                return AskPage(name, key, wanted, ended, size)
        return None

    def _wanted(self, key: SourceKey, lack: _Lack) -> Iterator[tuple[int, int]]:
        """Yield the numbers that should be here by now and are not."""
        if self._is_held_before(key, lack.pending):
            yield self._held[key], lack.pending.first_number
        for first, end in lack.pending.missing:
            if first >= lack.ripe_end:
                break
            yield first, min(end, lack.ripe_end)

    def _is_held_before(self, key: SourceKey, pending: Pending) -> bool:
        held = self._held.get(key)
        return held is not None and not pending.from_zero and held < pending.first_number

    def _forget(self, now_s: float) -> None:
        """Forget the agents that are silent, and if need be the oldest of the others."""
        self._agents = {
            name: agent
            for name, agent in self._agents.items()
            if now_s - agent.seen_s <= AGENT_SILENCE_LIMIT_S or name in self._in_flight
        }
        while len(self._agents) >= MOST_AGENTS:
            del self._agents[next(iter(self._agents))]
