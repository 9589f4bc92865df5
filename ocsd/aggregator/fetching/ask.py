"""Asking agents for missing messages."""

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from twisted.internet.defer import maybeDeferred
from twisted.python.failure import Failure

from ocsd.aggregator.fetching.answers import read_index, read_page
from ocsd.aggregator.fetching.plan import AskPage, CatchingUp, Request
from ocsd.aggregator.fetching.unanswered import why_unanswered
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.incoming.tally import Log
from ocsd.aggregator.numbers.source_key import Pending, SourceKey
from ocsd.aggregator.recording.arrivals import SpoolIndex, SpoolPage
from ocsd.aggregator.recording.intake import Intake, size_of
from ocsd.aggregator.recording.recorder import Recorder
from ocsd.bus.wamp import TransportLost
from ocsd.reactor.time_limit import within

ANSWER_DEADLINE_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of the recording that fetching needs, for the reactor's thread."""

    pending: Mapping[SourceKey, Pending]
    """The missing numbers of every numbered source."""
    in_trouble: bool
    """True while fetched messages could not be recorded."""

    @classmethod
    def of(cls, recorder: Recorder, behind: Container[SourceKey] = ()) -> Self:
        """Return the present state (recording thread).

        Sources that are `behind` are left out: their messages may be on this host's disk.
        """
        pending = recorder.pending()
        if behind:
            pending = {key: each for key, each in pending.items() if key not in behind}
        return cls(pending, recorder.held_up)


class Fetcher:
    """Fetches missing messages from the agents into the intake (reactor thread).

    An agent is not asked again until its answer has been recorded: the same messages are
    not fetched twice, nor more than can be recorded. `call` calls a procedure by address,
    with arguments, and may return a Deferred.

    Attributes
    ----------
    fetched : int
        Number of messages that came this way.
    """

    def __init__(
        self,
        call: Callable[..., Any],
        intake: Intake,
        log: Log,
        clock: Callable[[], Instant] = Instant.now,
    ) -> None:
        self.fetched = 0
        self._call = call
        self._intake = intake
        self._log = log
        self._clock = clock
        self._plan = CatchingUp()
        self._in_trouble = True  # Until the recorder is at work.
        self._queued: dict[str, SpoolIndex | SpoolPage] = {}  # by agent, not recorded yet
        self._complained: set[str] = set()

    def agent_seen(self, agent: str, session_id: str) -> None:
        """Register that a numbered message of an agent arrived."""
        self._plan.agent_seen(agent, session_id, self._clock().mono_s)

    def recorder_told(self, agent: str, recorder: str | None) -> None:
        """Register which host's aggregator records an agent's messages; None: the site's."""
        self._plan.recorder_told(agent, recorder)

    def knows(self, agent: str) -> bool:
        """Return whether messages of an agent arrived lately."""
        return self._plan.knows(agent)

    def link_lost(self) -> None:
        """Ask no agent until the link to the router is back and its messages arrive again."""
        self._plan.link_lost()

    def update(self, snapshot: Snapshot) -> None:
        """Take over which messages are missing."""
        self._plan.update(snapshot.pending, self._clock().mono_s)
        self._in_trouble = snapshot.in_trouble

    def recorded(self, answer: SpoolIndex | SpoolPage, snapshot: Snapshot) -> None:
        """Go on with an agent whose answer has been recorded, unless `forget` was called since."""
        if self._queued.get(answer.agent) is not answer:
            return
        del self._queued[answer.agent]
        if isinstance(answer, SpoolIndex):
            self._plan.holds({key: held.first for key, held in answer.held.items()})
        self.update(snapshot)
        end = answer.end if isinstance(answer, SpoolPage) else 0
        self._plan.answered(answer.agent, end, self._clock().mono_s)
        self.step()

    def step(self) -> None:
        """Send the requests that are due."""
        if self._in_trouble or self._intake.crowded:
            return
        for request in self._plan.plan(self._clock().mono_s):
            self._ask(request)

    @property
    def asking(self) -> list[str]:
        """The agents that are being asked; for any thread."""
        return sorted(request.agent for request in self._plan.in_flight)

    def forget(self) -> None:
        """Start again from nothing; answers to earlier requests are ignored."""
        self._plan = CatchingUp()
        self._queued = {}
        self._in_trouble = True

    def _ask(self, request: Request) -> None:
        arguments: tuple[object, ...] = ()
        if isinstance(request, AskPage):
            key = request.key
            arguments = (request.feed_name, key.session_id, request.after, request.max_bytes)
        asked = maybeDeferred(self._call, f"{request.agent}.spool", *arguments)
        within(asked, ANSWER_DEADLINE_S).addCallback(self._answered, request).addErrback(
            self._failed, request
        )

    def _answered(self, content: Any, request: Request) -> None:
        if not self._plan.awaits(request):
            return
        if content is None:
            raise TimeoutError(f"no answer within {ANSWER_DEADLINE_S:.0f} s")
        answer: SpoolIndex | SpoolPage
        size_bytes = 0
        if isinstance(request, AskPage):
            answer = read_page(request, content)
            size_bytes = sum(size_of(message) for message, _ in answer.messages)
            self.fetched += len(answer.messages)
        else:
            answer = read_index(request.agent, content)
        self._queued[request.agent] = answer
        self._intake.put(answer, size_bytes)
        self._complained.discard(request.agent)

    def _failed(self, failure: Failure, request: Request) -> None:
        if not self._plan.awaits(request):
            return
        self._plan.failed(request, self._clock().mono_s)
        # A lost router is reported elsewhere; it says nothing about this agent.
        if request.agent in self._complained or isinstance(failure.value, TransportLost):
            return
        self._complained.add(request.agent)
        self._log.warn(
            "cannot ask {agent} for missing messages: {why}; it is asked again as long as its "
            "messages arrive",
            agent=request.agent,
            why=why_unanswered(failure.value),
        )
