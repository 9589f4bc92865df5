"""Deciding which agent is asked for what: no I/O, no clock, no threads.

An agent is first asked what it holds (its index), which tells of messages and of
whole sessions that nobody has heard of. Then it is asked for what is missing, page
by page, until nothing is. What is missing of an agent that is not heard stays so.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from ocsd.aggregator.numbers.source_key import Pending, SourceKey

# What is known to exist for less than this may be on its way [s].
TRANSIT_GRACE_S: Final = 3.0

# An agent that was silent for so long is not asked [s]; all publish a heartbeat a second.
SILENCE_LIMIT_S: Final = 10.0

MOST_REQUESTS: Final = 4
MOST_AGENTS: Final = 10_000

# A page for a few messages should not bring a thousand that are not wanted.
FEW: Final = 10
SMALL_PAGE_BYTES: Final = 2**16
PAGE_BYTES: Final = 2**20

LONGEST_ASK_DELAY_S: Final = 30.0

Ranges: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class AskIndex:
    """Ask an agent what it holds."""

    agent: str


@dataclass(frozen=True, slots=True)
class AskPage:
    """Ask an agent for messages.

    Attributes
    ----------
    agent : str
        Its address.
    key : SourceKey
        Feed and session.
    wanted : Ranges
        Numbers that are wanted, as half-open ranges; at least one.
    ended : bool
        Whether the session is an earlier life of the agent.
    """

    agent: str
    key: SourceKey
    wanted: Ranges
    ended: bool

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

    @property
    def max_bytes(self) -> int:
        """How much the answer should hold."""
        few = sum(end - first for first, end in self.wanted) <= FEW
        return SMALL_PAGE_BYTES if few else PAGE_BYTES


Request: TypeAlias = AskIndex | AskPage


@dataclass(slots=True)
class _FetchedAgent:
    """What is known of an agent.

    Attributes
    ----------
    session_id : str
        Its present life.
    heard_s : float
        When it was heard last [monotonic s].
    index_due : bool
        Whether to ask what it holds.
    failures : int
        How often in a row it has not answered.
    not_before_s : float
        When it may be asked again [monotonic s].
    """

    session_id: str
    seen_s: float
    index_due: bool = True
    failures: int = 0
    not_before_s: float = 0.0


@dataclass(slots=True)
class _Lack:
    """What is missing of a source.

    Attributes
    ----------
    pending : Pending
        As the recorder has told.
    marks : deque of (float, int)
        From when on [monotonic s] all numbers below one were known to exist.
    ripe_end : int
        All below are known for so long that they should be here.
    turn : int
        When it was asked for last, among all.
    """

    pending: Pending
    marks: deque[tuple[float, int]] = field(default_factory=deque)
    ripe_end: int = 0
    turn: int = 0

    def ripen(self, now_s: float) -> None:
        while self.marks and self.marks[0][0] <= now_s - TRANSIT_GRACE_S:
            self.ripe_end = self.marks.popleft()[1]


class CatchingUp:
    """The agents, what is missing of their feeds, and what they were asked for."""

    def __init__(self) -> None:
        self._agents: dict[str, _FetchedAgent] = {}
        self._lacks: dict[str, dict[SourceKey, _Lack]] = {}
        # What is held of sources that need not be complete, from which number on.
        self._held: dict[SourceKey, int] = {}
        self._in_flight: dict[str, Request] = {}
        self._turn = 0

    @property
    def in_flight(self) -> list[Request]:
        """What was asked for and is not answered."""
        return list(self._in_flight.values())

    def agent_seen(self, agent: str, session_id: str, now_s: float) -> None:
        """Note that an agent that numbers its messages is there."""
        known = self._agents.get(agent)
        if known is None:
            if len(self._agents) >= MOST_AGENTS:
                self._forget(now_s)
            self._agents[agent] = _FetchedAgent(session_id, now_s)
            return
        if known.session_id != session_id or now_s - known.seen_s > SILENCE_LIMIT_S:
            known.session_id = session_id
            known.index_due = True
            known.failures, known.not_before_s = 0, 0.0
        known.seen_s = now_s

    def left(self) -> None:
        """Note that the link to the router is gone: who is heard again is asked anew."""
        self._agents.clear()

    def update(self, pending: Mapping[SourceKey, Pending], now_s: float) -> None:
        """Note what the recorder has and lacks of all numbered sources."""
        self._held = {
            key: first
            for key, first in self._held.items()
            if key in pending and self._is_held_before(key, pending[key])
        }
        lacks: dict[str, dict[SourceKey, _Lack]] = {}
        for key, each in pending.items():
            if not each.missing and not self._is_held_before(key, each):
                continue
            if not key.address.startswith(f"{each.sender}.feeds."):
                continue  # Nobody can be asked for it.
            lack = self._lacks.get(each.sender, {}).get(key) or _Lack(each)
            lack.pending = each
            lack.ripen(now_s)
            if not lack.marks or lack.marks[-1][1] != each.next_number:
                lack.marks.append((now_s, each.next_number))
            lacks.setdefault(each.sender, {})[key] = lack
        self._lacks = lacks

    def holds(self, first_numbers: Mapping[SourceKey, int]) -> None:
        """Note what an agent holds, from which number on.

        It matters where more is held than has to be recorded: a session that began
        before the folder was first recorded.
        """
        self._held.update(first_numbers)

    def plan(self, now_s: float) -> list[Request]:
        """Return what is to be asked now; it counts as asked."""
        requests: list[Request] = []
        for name, agent in list(self._agents.items()):
            if len(self._in_flight) >= MOST_REQUESTS:
                break
            silent_s = now_s - agent.seen_s
            if name in self._in_flight or silent_s > SILENCE_LIMIT_S or now_s < agent.not_before_s:
                continue
            request = self._next_request(name, agent, now_s)
            if request is not None:
                # To the end of the row, so that every agent gets its turn.
                self._agents[name] = self._agents.pop(name)
                self._in_flight[name] = request
                requests.append(request)
        return requests

    def answered(self, request: Request, end: int, now_s: float) -> None:
        """Note that an answer has been recorded, and told by `know`.

        Parameters
        ----------
        request : Request
            What was asked for.
        end : int
            For a page: there is no need to ask for what lies before this number.
        now_s : float
            Monotonic time [s].
        """
        agent = self._agents.get(request.agent)
        match request:
            case AskIndex():
                if agent is not None:
                    agent.index_due = False
            case AskPage(key=key):
                if key in self._held:
                    self._held[key] = max(self._held[key], end)
                lack = self._lacks.get(request.agent, {}).get(key)
                if lack is not None and any(
                    first <= request.after < last for first, last in self._wanted(key, lack)
                ):
                    # E.g. the recording pauses. To ask again at once would be in vain.
                    self.failed(request, now_s)
                    return
        self._in_flight.pop(request.agent, None)
        if agent is not None:
            agent.failures, agent.not_before_s = 0, 0.0

    def failed(self, request: Request, now_s: float) -> None:
        """Note that there was no answer, or no use in it; it is tried again."""
        self._in_flight.pop(request.agent, None)
        agent = self._agents.get(request.agent)
        if agent is not None:
            agent.not_before_s = now_s + min(2.0**agent.failures, LONGEST_ASK_DELAY_S)
            agent.failures = min(agent.failures + 1, 10)

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
                return AskPage(name, key, wanted, key.session_id != agent.session_id)
        return None

    def _wanted(self, key: SourceKey, lack: _Lack) -> Iterator[tuple[int, int]]:
        """Yield what should be here by now and is not."""
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
        """Forget who is not heard any more, or else who was heard first."""
        self._agents = {
            name: agent
            for name, agent in self._agents.items()
            if now_s - agent.seen_s <= SILENCE_LIMIT_S or name in self._in_flight
        }
        while len(self._agents) >= MOST_AGENTS:
            del self._agents[next(iter(self._agents))]
