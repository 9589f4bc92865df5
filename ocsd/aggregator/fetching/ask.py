"""Asking agents for what is missing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from twisted.internet.defer import maybeDeferred
from twisted.python.failure import Failure

from ocsd.aggregator.disk.cause import SET_ASIDE, cause
from ocsd.aggregator.fetching.answers import Held, Page, read_index, read_page
from ocsd.aggregator.fetching.plan import AskIndex, AskPage, CatchingUp, Request
from ocsd.aggregator.fetching.unanswered import why_unanswered
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.incoming.tally import Log
from ocsd.aggregator.numbers.ranges import Ranges
from ocsd.aggregator.numbers.source_key import Pending, SourceKey
from ocsd.aggregator.recording.intake import Intake, size_of
from ocsd.aggregator.recording.recorder import Recorder
from ocsd.bus.wamp import TransportLost
from ocsd.reactor.time_limit import within

DEADLINE_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the recording thread tells the reactor.

    Attributes
    ----------
    pending : mapping
        What is missing of every numbered source.
    in_trouble : bool
        Whether there is no use in fetching anything now.
    """

    pending: Mapping[SourceKey, Pending]
    in_trouble: bool

    @classmethod
    def of(cls, recorder: Recorder) -> Self:
        """Return the present one (recording thread)."""
        return cls(recorder.pending(), recorder.held_up)


class Fetcher:
    """Has what is missing fetched from the agents; all but `Snapshot.of` in the reactor's thread.

    An agent is busy until its answer has been recorded, so that the same is not
    asked for twice, and no more is fetched than can be recorded.

    Parameters
    ----------
    call : callable
        Calls a procedure by address, with arguments; may return a Deferred.
    intake : Intake
        Gets the answers.
    post : callable
        Has a function called in the reactor's thread, from any thread.
    log : Log
        Where to say what operators should know.
    clock : callable
        Returns the present.

    Attributes
    ----------
    fetched : int
        How many messages came this way.
    """

    def __init__(
        self,
        call: Callable[..., Any],
        intake: Intake,
        post: Callable[..., object],
        log: Log,
        clock: Callable[[], Instant] = Instant.now,
    ) -> None:
        self.fetched = 0
        self._call = call
        self._intake = intake
        self._post = post
        self._log = log
        self._clock = clock
        self._plan = CatchingUp()
        self._in_trouble = True  # Until the recorder tells that it is there.
        self._complained: set[str] = set()

    def agent_seen(self, agent: str, session_id: str) -> None:
        """Note that an agent that numbers its messages is there."""
        self._plan.agent_seen(agent, session_id, self._clock().mono_s)

    def left(self) -> None:
        """Note that the link to the router is gone; until it is back nobody is asked."""
        self._plan.left()

    def update(self, snapshot: Snapshot) -> None:
        """Note what is missing."""
        self._plan.update(snapshot.pending, self._clock().mono_s)
        self._in_trouble = snapshot.in_trouble

    def step(self) -> None:
        """Ask for what is due."""
        if self._in_trouble or self._intake.crowded:
            return
        for request in self._plan.plan(self._clock().mono_s):
            self._ask(request)

    @property
    def asking(self) -> list[str]:
        """The agents whose answers are waited for; for any thread."""
        return sorted(request.agent for request in self._plan.in_flight)

    def forget(self) -> None:
        """Begin anew; answers to what was asked for before are ignored."""
        self._plan = CatchingUp()
        self._in_trouble = True

    def _ask(self, request: Request) -> None:
        address = f"{request.agent}.spool"
        if isinstance(request, AskIndex):
            asked = maybeDeferred(self._call, address)
        else:
            asked = maybeDeferred(
                self._call,
                address,
                request.feed_name,
                request.key.session_id,
                request.after,
                request.max_bytes,
            )
        within(asked, DEADLINE_S).addCallback(self._answered, request, self._plan).addErrback(
            self._failed, request, self._plan
        )

    def _answered(self, answer: Any, request: Request, plan: CatchingUp) -> None:
        if plan is not self._plan:
            return
        if answer is None:
            raise TimeoutError(f"no answer within {DEADLINE_S:.0f} s")
        if isinstance(request, AskIndex):
            self._take_index(read_index(request.agent, answer), request)
        else:
            self._take_page(read_page(request, answer), request)
        self._complained.discard(request.agent)

    def _take_index(self, rows: Mapping[SourceKey, Held], request: AskIndex) -> None:
        plan = self._plan

        def record(recorder: Recorder) -> None:
            known = recorder.pending()
            for key, held in rows.items():
                # What has been forgotten must not be recorded again.
                if key in known or recorder.is_new(key):
                    recorder.announce(key, request.agent, held.next)
            self._post(self._recorded, request, plan, Snapshot.of(recorder), 0, rows)

        self._intake.put(record)

    def _take_page(self, page: Page, request: AskPage) -> None:
        plan = self._plan
        self.fetched += len(page.messages)

        def record(recorder: Recorder) -> None:
            try:
                _record_page(recorder, page, request.key)
            finally:
                self._post(self._recorded, request, plan, Snapshot.of(recorder), page.end, {})

        self._intake.put(record, sum(size_of(message) for message, _ in page.messages))

    def _recorded(
        self,
        request: Request,
        plan: CatchingUp,
        snapshot: Snapshot,
        end: int,
        rows: Mapping[SourceKey, Held],
    ) -> None:
        if plan is self._plan:
            plan.holds({key: held.first for key, held in rows.items()})
            self.update(snapshot)
            plan.answered(request, end, self._clock().mono_s)
            self.step()

    def _failed(self, failure: Failure, request: Request, plan: CatchingUp) -> None:
        plan.failed(request, self._clock().mono_s)
        if plan is not self._plan or request.agent in self._complained:
            return
        # That the router is away is no news of the agent, and is said elsewhere.
        if not isinstance(failure.value, TransportLost):
            self._complained.add(request.agent)
            self._log.warn(
                "cannot ask {agent} for what is missing: {why}; it is asked again as long as it is "
                "heard",
                agent=request.agent,
                why=why_unanswered(failure.value),
            )


def _record_page(recorder: Recorder, page: Page, key: SourceKey) -> None:
    """Hand an answer to the recorder (recording thread)."""
    came = Ranges()
    for message, feed_info in page.messages:
        recorder.accept(message, feed_info)
        came.add(feed_info["seq"], feed_info["seq"] + 1)
    for lost in page.lost:
        outages = recorder.outages_of(key, lost.first, lost.last)
        recorder.lost(key, lost.first, lost.last, cause(outages, lost.why))
    for first, end in came:
        # What is still missing now would be refused again.
        recorder.lost(key, first, end - 1, SET_ASIDE)
