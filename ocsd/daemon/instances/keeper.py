"""Keeps one instance in its target state."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace

from ocsd.daemon.instances.ports import Clock, Launcher, Timer
from ocsd.daemon.instances.transition import Transition
from ocsd.forkserver.protocol import Ended, Spawned
from ocsd.supervisor.events import (
    Adopted,
    BecameReady,
    Event,
    Examine,
    Exited,
    Signal,
    Spawn,
    State,
    Target,
    TimerFired,
)
from ocsd.supervisor.health import (
    DEFAULT_LIVENESS,
    REACTOR_SILENCE_LIMIT_S,
    Liveness,
    SelfReport,
    Verdict,
    judge,
    reason_to_restart,
)
from ocsd.supervisor.lifecycle import Lifecycle
from ocsd.supervisor.policy import RestartPolicy

LOOK_AGAIN_S = 1.0
"""So often it is looked whether a process that is being ended can be signalled again."""


class Keeper:
    """Feeds what happens to one instance into its `Lifecycle` and does what that decides.

    Parameters
    ----------
    instance_id : str
        The instance-id.
    life : Lifecycle
        Where it stands at first.
    launcher : Launcher
        Starts and signals its process.
    clock : Clock
        The time.
    wall_clock : callable
        Returns the Unix time [s].
    jitter : callable
        Returns a random number from -1 to 1.
    on_transition : callable
        Takes every `Transition`.
    liveness : mapping of Layer to Response
        What the failure of each of its layers leads to.
    what_holds : callable
        Returns who holds a process, by its pid, so that it cannot answer; empty if nobody does.
    reaches : callable
        Tells whether a signal to the process of an instance would reach it now.
    is_shared : callable
        Tells whether a failure of this instance, now, is one of many of one cause.
    examine : callable
        Puts a hung process on record, before it is killed: takes this keeper and the reason.

    Attributes
    ----------
    report : SelfReport
        What the process last said of itself.
    failure : str
        Why it is about to end, in its own words.
    operations : str
        Its operations in flight.
    code : str
        The file that holds its code; empty as long as it has not said so.
    pid, started_at : int or None, float or None
        Its process and when that was started [s, Unix time].
    was_ready : bool
        Whether a process of this daemon's ever held the instance's addresses.
    """

    def __init__(
        self,
        instance_id: str,
        life: Lifecycle,
        launcher: Launcher,
        clock: Clock,
        wall_clock: Callable[[], float],
        jitter: Callable[[], float],
        on_transition: Callable[[Transition], None],
        liveness: Liveness = DEFAULT_LIVENESS,
        what_holds: Callable[[int], str] = lambda _: "",
        reaches: Callable[[str], bool] = lambda _: True,
        is_shared: Callable[[str], bool] = lambda _: False,
        examine: Callable[["Keeper", str], None] = lambda *_: None,
    ) -> None:
        self.instance_id = instance_id
        self.life = life
        self.report = SelfReport()
        self.pid: int | None = None
        self.started_at: float | None = None
        self.was_ready = False
        self.since_at = wall_clock()
        self._launcher = launcher
        self._clock = clock
        self._wall_clock = wall_clock
        self._jitter = jitter
        self._on_transition = on_transition
        self.liveness = liveness
        self._what_holds = what_holds
        self._reaches = reaches
        self._is_shared = is_shared
        self._examine = examine
        self.failure = ""
        self.operations = ""
        self.code = ""
        self._last_pid: int | None = None
        self._owed_signal: int | None = None
        self._is_out_of_reach = False
        self._timer: Timer | None = None
        self._events: deque[Event] = deque()
        self._busy = False

    @property
    def verdict(self) -> Verdict:
        """How well it does, and why."""
        return judge(self.life, self._known(), self._clock.seconds(), self.liveness)

    @property
    def reason_to_restart(self) -> str:
        """Why it has to be restarted for a layer that fails; empty if not."""
        return reason_to_restart(self.life, self._known(), self._clock.seconds(), self.liveness)

    @property
    def next_try_s(self) -> float | None:
        """How long until the next try [s]; None if none is due."""
        if self.life.wake_at_s is None or self.life.has_process:
            return None
        return max(0.0, self.life.wake_at_s - self._clock.seconds())

    @property
    def silent_s(self) -> float | None:
        """For how long it has said nothing [s]; None if it never did."""
        heard_at_s = self.report.heard_at_s
        return None if heard_at_s is None else self._clock.seconds() - heard_at_s

    @property
    def held(self) -> str:
        """Who holds its process, so that it cannot answer; empty if it can, or nobody does."""
        silent = self.silent_s is not None and self.silent_s > REACTOR_SILENCE_LIMIT_S
        return self._what_holds(self.pid) if silent and self.pid is not None else ""

    def _known(self) -> SelfReport:
        """Return what it said of itself, and why it says nothing more."""
        held = self.held
        return replace(self.report, held=held) if held else self.report

    def configure(self, policy: RestartPolicy, liveness: Liveness) -> None:
        """Decide by other rules from now on."""
        self.life = replace(self.life, policy=policy)
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
        """Be down as it was when an earlier daemon went."""
        self.life = replace(self.life, target=target, reason=reason)
        self.since_at = since_at

    def ended_unseen(self, report: Ended) -> bool:
        """Be down for an end while no daemon ran, unless another start follows from it."""
        ran = replace(self.life, state=State.UP, target=Target.UP)
        end = Exited(report.code, report.signal, report.detail)
        life, _ = ran.after(end, self._clock.seconds())
        if life.state is not State.DOWN:
            return False
        at = self._wall_clock() if report.ended_at is None else report.ended_at
        self.life = replace(life, reason=f"while no daemon ran: {life.reason}")
        self.since_at = at
        self._on_transition(Transition(self.instance_id, ran, self.life, at, end, report.pid))
        return True

    def spawned(self, report: Spawned) -> None:
        """Take note of the process that was started."""
        self._begin(report.pid, self._wall_clock())
        if self._owed_signal is not None:
            self._launcher.kill(self.instance_id, report.pid, self._owed_signal)
            self._owed_signal = None

    def adopt(self, report: Spawned, started_at: float) -> None:
        """Take over a process that an earlier daemon started."""
        self._begin(report.pid, started_at)
        # What runs speaks every second. Should it hang since before this daemon began,
        # nobody would ever hear of it: its silence counts from now.
        now_s = self._clock.seconds()
        self.report = SelfReport(started_at_s=now_s, heard_at_s=now_s, reports=True)
        self.deliver(Adopted())

    def ended(self, report: Ended) -> None:
        """Take note that the process ended, or could not be started."""
        if report.pid and report.pid != self.pid:
            return
        detail = report.detail or self.failure
        self.failure = ""  # nor is it the reason why the next one cannot be started
        self._last_pid, self.pid, self.started_at = self.pid, None, None
        self._owed_signal = None
        self.report = SelfReport()
        unasked = self.life.state in {State.STARTING, State.UP}
        shared = unasked and self._is_shared(self.instance_id)
        self.deliver(Exited(report.code, report.signal, detail, shared))

    def notified(self, fields: Mapping[str, str]) -> None:
        """Take note of what the process said through the notify socket.

        Parameters
        ----------
        fields : mapping of str to str
            Assignments of sd_notify(3), and ``X_FAILURE``: why it is about to end.
        """
        self.report = self.report.after(fields, self._clock.seconds())
        self.failure = fields.get("X_FAILURE", self.failure)
        self.operations = fields.get("X_OPERATIONS", self.operations)
        self.code = fields.get("X_CODE", self.code)
        if fields.get("READY") == "1":
            self.was_ready = True
            self.deliver(BecameReady())

    def excuse(self) -> None:
        """Hold no silence against it: the daemon itself was held up and could not hear."""
        self.report = self.report.excused(self._clock.seconds())

    def _begin(self, pid: int, started_at: float) -> None:
        self.pid = pid
        self.started_at = started_at
        self.report = SelfReport(started_at_s=self._clock.seconds())
        self.failure = self.operations = ""
        self._is_out_of_reach = False

    def _apply(self, event: Event) -> None:
        before = self.life
        self.life, actions = before.after(event, self._clock.seconds(), self._jitter())
        self._set_timer()
        if _standing(before) != _standing(self.life):
            at = self._wall_clock()
            if (before.state, before.since_s) != (self.life.state, self.life.since_s):
                self.since_at = at
            pid = self._last_pid if isinstance(event, Exited) else self.pid
            self._on_transition(Transition(self.instance_id, before, self.life, at, event, pid))
        for action in actions:
            match action:
                case Spawn():
                    self._launcher.spawn(self.instance_id)
                case Signal(number):
                    self._signal(number)
                case Examine(reason):
                    self._examine(self, reason)

    def _signal(self, number: int) -> None:
        if self.pid is not None:
            self._launcher.kill(self.instance_id, self.pid, number)
        elif self._launcher.withdraw(self.instance_id):
            self._events.append(Exited())
        else:
            self._owed_signal = number

    def _set_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if self.life.wake_at_s is not None:
            delay_s = max(0.0, self.life.wake_at_s - self._clock.seconds())
            self._timer = self._clock.callLater(delay_s, self._wake)

    def _wake(self) -> None:
        """Let the moment take effect that was waited for.

        What is being ended has all its time for a signal once that has reached it.
        """
        stopping = self.life.state is State.STOPPING
        was_out_of_reach = self._is_out_of_reach
        self._is_out_of_reach = stopping and not self._reaches(self.instance_id)
        if self._is_out_of_reach:
            self._postpone(LOOK_AGAIN_S)
        elif stopping and was_out_of_reach:
            self._postpone(self.life.ladder[self.life.stop_step].limit_s)
        else:
            self.deliver(TimerFired())

    def _postpone(self, delay_s: float) -> None:
        self.life = replace(self.life, wake_at_s=self._clock.seconds() + delay_s)
        self._set_timer()


def _standing(life: Lifecycle) -> tuple[object, ...]:
    return life.state, life.target, life.since_s, life.reason, life.restarts
