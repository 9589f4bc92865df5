"""The state of the host: asked for while somebody looks, and kept while it does not answer."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ocsd.errors import OcsdError
from ocsd.web.refusals import LateError
from ocsd.web.sources.daemon import DaemonLink

POLL_S: Final = 2.0
"""Time between two questions while somebody looks [s]."""
FRESH_S: Final = 0.5
"""Age up to which a status answers another question, too [s]."""
SOON_S: Final = 0.1
"""Delay of a question after a transition; many transitions share one [s]."""

_LIST_OF_EVENTS: Final = b"data: "


@dataclass(frozen=True, slots=True)
class HostState:
    """The last status of the host, and whether it answers."""

    answers: bool = False
    reason: str = "not asked yet"
    """Why it does not answer; empty if it does."""
    asked_at: float = 0.0
    """When it was asked last, and the time of its last answer [Unix s]; 0.0: never."""
    answered_at: float = 0.0
    since_at: float = 0.0
    """Since when it does not answer; 0.0 if it does [Unix s]."""
    status: Mapping[str, Any] | None = None
    """Its last status."""
    is_late: bool = False
    """Whether it has only not answered in time."""


@dataclass(frozen=True)
class _Watcher:
    on_state: Callable[[HostState], None]
    on_transition: Callable[[Mapping[str, Any]], None]


@dataclass(eq=False)
class States:
    """Asks the daemon for its status, and listens to its transitions, while somebody looks."""

    log = Logger()

    daemon: DaemonLink
    reactor: Any
    wall_clock: Callable[[], float] = time.time
    present: HostState = field(default_factory=HostState, init=False)
    """The last one."""

    def __post_init__(self) -> None:
        self._watchers: list[_Watcher] = []
        self._asking: list[Deferred[HostState]] = []
        self._is_asking = False
        self._timer: Any = None
        self._listening: Deferred[None] | None = None

    @property
    def watchers(self) -> int:
        """The number of those who look."""
        return len(self._watchers)

    def watch(
        self,
        on_state: Callable[[HostState], None],
        on_transition: Callable[[Mapping[str, Any]], None],
    ) -> Callable[[], None]:
        """Call these with each state and each transition from now on; return what ends that."""
        watcher = _Watcher(on_state, on_transition)
        self._watchers.append(watcher)
        self._listen()
        self._ask_in(0.0)

        def forget() -> None:
            if watcher in self._watchers:
                self._watchers.remove(watcher)
            if not self._watchers:
                self._rest()

        return forget

    def fresh(self) -> "Deferred[HostState]":
        """Return what is known now; ask first, if that is old."""
        age_s = self.wall_clock() - self.present.asked_at
        answer: Deferred[HostState] = Deferred()
        if 0 <= age_s < FRESH_S:
            answer.callback(self.present)
            return answer
        self._asking.append(answer)
        self._ask()
        return answer

    def _rest(self) -> None:
        """Ask no more: nobody looks."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.cancel()

    def _ask_in(self, delay_s: float) -> None:
        if self._timer is not None and self._timer.active():
            if self._timer.getTime() <= self.reactor.seconds() + delay_s:
                return
            self._timer.cancel()
        self._timer = self.reactor.callLater(delay_s, self._ask)

    def _ask(self) -> None:
        if self._is_asking:
            return
        self._is_asking = True
        asked = Deferred.fromCoroutine(self.daemon.status())
        asked.addCallbacks(self._answered, self._failed)
        asked.addBoth(lambda _: self._tell())
        asked.addErrback(lambda failure: self.log.failure("while telling the state", failure))

    def _answered(self, status: Mapping[str, Any]) -> None:
        now_at = self.wall_clock()
        self.present = HostState(True, "", now_at, now_at, 0.0, status)

    def _failed(self, failure: Any) -> None:
        error, now_at = failure.value, self.wall_clock()
        if not isinstance(error, OcsdError):
            self.log.failure("while asking the daemon", failure)
        last = self.present
        since_at = last.since_at or now_at
        self.present = HostState(
            False,
            str(error),
            now_at,
            last.answered_at,
            since_at,
            last.status,
            isinstance(error, LateError),
        )

    def _tell(self) -> None:
        self._is_asking = False
        waiting, self._asking = self._asking, []
        for each in waiting:
            if not each.called:
                each.callback(self.present)
        if self._watchers:
            # First: a watcher that fails, at a status of another release, must not end the asking.
            self._listen()
            self._ask_in(POLL_S)
        for watcher in list(self._watchers):
            watcher.on_state(self.present)

    def _listen(self) -> None:
        if self._listening is not None:
            return
        self._listening = listening = self.daemon.ask("/v1/events", self._event)

        def over(result: Any) -> None:
            if self._listening is listening:
                self._listening = None
            expected = OcsdError | CancelledError
            # The next question finds that the daemon is away, and tells it.
            if isinstance(result, Failure) and not isinstance(result.value, expected):
                self.log.failure("while listening to the daemon", result)

        listening.addBoth(over)

    def _event(self, line: bytes) -> None:
        if not line.startswith(_LIST_OF_EVENTS):
            return
        try:
            event = json.loads(line[len(_LIST_OF_EVENTS) :])
        except ValueError:
            return
        for watcher in list(self._watchers):
            watcher.on_transition(event)
        self._ask_in(SOON_S)
