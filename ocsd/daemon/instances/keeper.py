"""Keeps one instance in its target state."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ocsd.audit.notes import AUDIT_KEY
from ocsd.daemon.instances.activity import Activity
from ocsd.daemon.instances.ports import Clock, Launcher, Timer
from ocsd.daemon.instances.transition import Transition
from ocsd.forkserver.protocol import Ended, Spawned
from ocsd.supervisor.events import (
    Action,
    Adopted,
    BecameReady,
    Configured,
    EndedUnseen,
    Event,
    Examine,
    Exited,
    Recalled,
    Signal,
    Spawn,
    State,
    Target,
    TimerFired,
)
from ocsd.supervisor.health import (
    DEFAULT_LIVENESS,
    LIFE,
    REACTOR_SILENCE_LIMIT_S,
    WELL,
    Liveness,
    SelfReport,
    Verdict,
    is_plainly_well,
    judge,
    reason_to_restart,
)
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.supervisor.policy import RestartPolicy
from ocsd.system.notify import LIFE_PERIOD_S
from ocsd.system.runs import REQUESTS_KEY, SESSION_KEY, OperationRequest, decode_requests


@dataclass(eq=False)
class Keeper:
    """Feeds what happens to one instance into its `Lifecycle` and does what that decides."""

    instance_id: str
    """The instance, or the router."""
    life: Lifecycle
    """Its state. Only `_advance` assigns it."""
    launcher: Launcher
    """Starts and signals its process."""
    clock: Clock
    wall_clock: Callable[[], float]
    """The monotonic time, and a function that returns the Unix time [s]."""
    jitter: Callable[[], float]
    """Returns a random number from -1 to 1."""
    on_transition: Callable[[Transition], None]
    """Takes every transition."""
    on_requests: Callable[[str, int | None, Sequence[OperationRequest]], None] = lambda *_: None
    """Takes the requests of clients to its operations, with instance-id and pid."""
    on_audit: Callable[[str, str], None] = lambda *_: None
    """Takes what its process reports for the audit journal, with the instance-id."""
    liveness: Liveness = field(default_factory=lambda: DEFAULT_LIVENESS)
    """The response to the failure of each of its layers."""
    what_holds: Callable[[int], str] = lambda _: ""
    """Returns what keeps a process, by its pid, from answering; empty if nothing does."""
    reaches: Callable[[str], bool] = lambda _: True
    """Returns whether a signal to the process of an instance would reach it now."""
    is_shared: Callable[[str], bool] = lambda _: False
    """Returns whether a failure of this instance, now, is one of many of one cause."""
    examine: Callable[["Keeper", str], None] = lambda *_: None
    """Records a hung process before it is killed, for the reason given."""

    report: SelfReport = field(default_factory=SelfReport, init=False)
    """The last report of the process on itself."""
    failure: str = field(default="", init=False)
    """The reason for which the process is about to end, in its own words."""
    operations: str = field(default="", init=False)
    """Its operations in flight."""
    activity: Activity = field(default_factory=Activity, init=False)
    """Its operations and samples, by its own reports."""
    code: str = field(default="", init=False)
    """The file that holds its code; empty until it has reported that."""
    session_id: str = field(default="", init=False)
    """The session-id in its heartbeats; empty until it has reported that."""
    pid: int | None = field(default=None, init=False)
    started_at: float | None = field(default=None, init=False)
    """Its process and when that was started [s, Unix time]."""
    adopted: bool = field(default=False, init=False)
    """Whether an earlier daemon has started that process."""
    was_ready: bool = field(default=False, init=False)
    """Whether a process of this daemon's ever held the instance's addresses."""
    since_at: float = field(init=False)
    """When it entered its state [s, Unix time]."""

    def __post_init__(self) -> None:
        self.since_at = self.wall_clock()
        self._last_pid: int | None = None
        self._began_s = 0.0
        self._owed_signal: int | None = None
        self._timer: Timer | None = None
        self._events: deque[Event] = deque()
        self._busy = False

    @property
    def verdict(self) -> Verdict:
        """Its health, and the reason."""
        now_s = self.clock.seconds()
        if is_plainly_well(self.life, self.report, now_s):
            return WELL
        return judge(self.life, self._report_with_holder(), now_s, self.liveness)

    @property
    def reason_to_restart(self) -> str:
        """Why it has to be restarted for a layer that fails; empty if not."""
        report, now_s = self._report_with_holder(), self.clock.seconds()
        return reason_to_restart(self.life, report, now_s, self.liveness)

    @property
    def next_try_s(self) -> float | None:
        """Time until the next try [s]; None if none is due."""
        if self.life.wake_at_s is None or self.life.has_process:
            return None
        return max(0.0, self.life.wake_at_s - self.clock.seconds())

    @property
    def uptime_s(self) -> float | None:
        """The age of its process [s], whatever happens to the wall clock; None if there is none."""
        if self.pid is None:
            return None
        return self.clock.seconds() - self._began_s

    @property
    def silent_s(self) -> float | None:
        """Time since its last report [s]; None if it never sent one."""
        if self.report.heard_at_s is None:
            return None
        return self.clock.seconds() - self.report.heard_at_s

    @property
    def held(self) -> str:
        """The reason why its process cannot answer; empty if it can, or if none is known."""
        silent_s = self.silent_s or 0.0
        if self.pid is None or silent_s <= REACTOR_SILENCE_LIMIT_S:
            return ""
        return self.what_holds(self.pid)

    def _report_with_holder(self) -> SelfReport:
        held = self.held
        return replace(self.report, held=held) if held != self.report.held else self.report

    def configure(self, policy: RestartPolicy, liveness: Liveness) -> None:
        """Decide by other rules from now on."""
        self._advance(Configured(policy))
        self.liveness = liveness

    def deliver(self, event: Event) -> None:
        """Let an event take effect; what it causes in turn comes after it."""
        self._events.append(event)
        if self._busy:
            return
        self._busy = True
        try:
            while self._events:
                self._apply(self._events.popleft())
        finally:
            self._busy = False

    def recall(self, target: Target, reason: str, since_at: float) -> None:
        """Be down as under an earlier daemon; observers have seen that end."""
        self._advance(Recalled(target, reason))
        self.since_at = since_at

    def ended_unseen(self, report: Ended) -> bool:
        """Record an end while no daemon ran; return whether the instance stays down for it."""
        before, end = self.life, Exited(report.code, report.signal, report.detail)
        self._advance(EndedUnseen(end))
        if self.life is before:
            return False
        self.since_at = self.wall_clock()
        if report.ended_at is not None:
            self.since_at = report.ended_at
        # Observers get an end like all others, of a process that was up.
        ran = replace(before, state=State.UP, target=Target.UP)
        self._announce(ran, self.since_at, end, report.pid)
        return True

    def spawned(self, report: Spawned) -> None:
        """Take the process that was started into care."""
        self._begin(report.pid, self.wall_clock())
        if self._owed_signal is not None:
            self.launcher.kill(self.instance_id, report.pid, self._owed_signal)
            self._owed_signal = None

    def adopt(self, report: Spawned, started_at: float) -> None:
        """Take over a process that an earlier daemon started."""
        self._begin(report.pid, started_at)
        self.adopted = True
        self._began_s -= max(0.0, self.wall_clock() - started_at)
        # A running process reports every three seconds. One that has hung since before this daemon
        # began will never report: its silence counts from now.
        now_s = self.clock.seconds()
        self.report = SelfReport(started_at_s=now_s, heard_at_s=now_s, reports=True)
        self.deliver(Adopted())

    def ended(self, report: Ended) -> None:
        """Let the end of the process take effect, or that it could not be started."""
        if report.pid and report.pid != self.pid:
            return
        detail = report.detail or self.failure
        self.failure = ""  # nor is it the reason why the next one cannot be started
        self._last_pid, self.pid, self.started_at = self.pid, None, None
        self._owed_signal = None
        self.report, self.activity = SelfReport(), Activity()
        unasked = self.life.state in {State.STARTING, State.UP}
        shared = unasked and self.is_shared(self.instance_id)
        self.deliver(Exited(report.code, report.signal, detail, shared))

    def notified(self, fields: Mapping[str, str]) -> None:
        """Read a report that the process sent through the notify socket.

        Parameters
        ----------
        fields : mapping of str to str
            Assignments of sd_notify(3), and ``X_FAILURE``: why it is about to end.
        """
        is_as_before = self.life.state is State.UP and self.report.ready and fields == LIFE
        self.report = self.report.after(fields, self.clock.seconds())
        if is_as_before:
            return
        self.failure = fields.get("X_FAILURE", self.failure)
        self.operations = fields.get("X_OPERATIONS", self.operations)
        self.activity = self.activity.after(fields, self.clock.seconds())
        self.code = fields.get("X_CODE", self.code)
        self.session_id = fields.get(SESSION_KEY, self.session_id)
        if requests := decode_requests(fields.get(REQUESTS_KEY, "")):
            self.on_requests(self.instance_id, self.pid, requests)
        self.audited(fields)
        if fields.get("READY") == "1":
            self.was_ready = True
            if self.life.state is State.STARTING:  # it comes with every report
                self.deliver(BecameReady())

    def heard_heartbeat(self, at_s: float) -> None:
        """Take a heartbeat of the process at `at_s` [s, monotonic] for a sign of life.

        It counts only if one is due.
        """
        report = self.report
        if report.heard_at_s is not None and at_s - report.heard_at_s >= LIFE_PERIOD_S:
            self.report = report.after(LIFE, at_s)

    def audited(self, fields: Mapping[str, str]) -> None:
        """Pass on what the process, or a child of it, reports for the audit journal."""
        if text := fields.get(AUDIT_KEY):
            self.on_audit(self.instance_id, text)

    def excuse(self) -> None:
        """Forgive all silence: the daemon itself was held up and could not hear."""
        self.report = self.report.excused(self.clock.seconds())

    def _begin(self, pid: int, started_at: float) -> None:
        self.pid = pid
        self.started_at, self.adopted = started_at, False
        self._began_s = self.clock.seconds()
        self.report = SelfReport(started_at_s=self._began_s)
        self.failure = self.operations = self.session_id = ""
        self.activity = Activity()

    def _advance(self, event: Event) -> tuple[Action, ...]:
        """Enter the state that follows an event; return what is to be done."""
        self.life, actions = self.life.after(event, self.clock.seconds(), self.jitter())
        self._set_timer()
        return actions

    def _announce(self, before: Lifecycle, at: float, event: Event, pid: int | None) -> None:
        transition = Transition(self.instance_id, before, self.life, at, event, pid)
        self.on_transition(transition)

    def _apply(self, event: Event) -> None:
        before, pid = self.life, self.pid
        actions = self._advance(event)
        if _shown(before) != _shown(self.life):
            at = self.wall_clock()
            if (before.state, before.since_s) != (self.life.state, self.life.since_s):
                self.since_at = at
            if isinstance(event, Exited):
                pid = self._last_pid
            self._announce(before, at, event, pid)
        for action in actions:
            match action:
                case Spawn():
                    self.launcher.spawn(self.instance_id)
                case Signal(number):
                    self._signal(number)
                case Examine(reason):
                    self.examine(self, reason)

    def _signal(self, number: int) -> None:
        if self.pid is not None:
            self.launcher.kill(self.instance_id, self.pid, number)
        elif self.launcher.withdraw(self.instance_id):
            self._events.append(Exited())
        else:
            self._owed_signal = number

    def _set_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if self.life.wake_at_s is not None:
            delay_s = max(0.0, self.life.wake_at_s - self.clock.seconds())
            self._timer = self.clock.callLater(delay_s, self._wake)

    def _wake(self) -> None:
        self.deliver(TimerFired(self.reaches(self.instance_id)))


def _shown(life: Lifecycle) -> tuple[object, ...]:
    """Return the part of a state that observers see."""
    return life.state, life.target, life.since_s, life.reason, life.restarts
