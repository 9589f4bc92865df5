"""The health of a running instance: layer by layer, from its reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from ocsd.supervisor.events import State
from ocsd.supervisor.lifecycle import Lifecycle

REACTOR_SILENCE_LIMIT_S: Final = 10.0
"""Silence that counts as a hang [s]; the agent runtime's reactor reports every three seconds."""

SLOW_START_S: Final = 10.0
"""Time after which a start has a problem that is worth showing [s]."""

PATIENCE_S: Final = 30.0
"""Time that a layer has to recover before its failure causes a restart [s]."""

UNSTABLE_FAILURES: Final = 2
"""Unexpected ends in a row that make an instance unstable until they are forgotten."""


class Health(StrEnum):
    """The health of a running instance."""

    OK = "ok"
    DEGRADED = "degraded"
    UNSTABLE = "unstable"
    HUNG = "hung"


class Layer(StrEnum):
    """The parts that have to work, each resting on those before it."""

    REACTOR = "reactor"
    """Its event loop turns: it reports every three seconds at least."""
    ROUTER = "router"
    """It has joined the realm and its addresses are registered."""
    CALL = "call"
    """A call to it, through the router, is answered."""
    FEEDS = "feeds"
    """Its recorded feeds are fresh while an operation that fills them runs."""
    OPERATIONS = "operations"
    """No operation calls itself degraded, and none that should run has failed."""


class Response(StrEnum):
    """The effect of the failure of a layer."""

    NOTHING = "nothing"
    WARN = "warn"
    RESTART = "restart"


Liveness = Mapping[Layer, Response]

DEFAULT_LIVENESS: Final[Liveness] = {
    **dict.fromkeys(Layer, Response.WARN),
    Layer.REACTOR: Response.RESTART,
}
"""Only a process that does nothing at all is ended by force."""

_COMPLAINTS: Final = {Layer.CALL: "X_CALL", Layer.FEEDS: "X_FEEDS"}
"""Names in the notify protocol under which an agent complains of a layer."""


LIFE: Final[Mapping[str, str]] = {"READY": "1", "WATCHDOG": "1"}
"""The report of an idle agent in which nothing has changed: by far the most are this one."""


@dataclass(frozen=True, slots=True)
class SelfReport:
    """The last report of an instance on itself, through the notify socket."""

    started_at_s: float | None = None
    """When its process was started [s, monotonic]; None if it has none yet."""
    heard_at_s: float | None = None
    """When it last sent anything [s, monotonic]; None if it never did."""
    reports: bool = False
    """Whether its reactor has begun to report."""
    ready: bool = False
    """Whether it was joined to the realm then."""
    text: str = ""
    """Its STATUS line: the fault that it sees."""
    complaints: Mapping[Layer, str] = field(default_factory=dict)
    """The fault that it sees in a layer."""
    failing_since_s: Mapping[Layer, float] = field(default_factory=dict)
    """When each fault began [s, monotonic]."""
    held: str = ""
    """The obstacle that keeps it from reporting, as far as the kernel shows."""

    def after(self, fields: Mapping[str, str], now_s: float) -> "SelfReport":
        """Return the report that follows a notification at `now_s` [s, monotonic].

        The fields are assignments of sd_notify(3), and ``X_CALL`` and ``X_FEEDS``: the faults
        of these layers, empty if there are none.
        """
        if self.ready and fields == LIFE:
            return SelfReport(
                started_at_s=self.started_at_s,
                heard_at_s=now_s,
                reports=True,
                ready=True,
                text=self.text,
                complaints=self.complaints,
                failing_since_s=self.failing_since_s,
            )
        says_ready = fields.get("READY") == "1"
        ready = says_ready or (self.ready and "WATCHDOG" not in fields)
        complaints = {
            layer: fields.get(key, self.complaints.get(layer, ""))
            for layer, key in _COMPLAINTS.items()
        }
        failing = {layer for layer, text in complaints.items() if text}
        if not ready:
            failing.add(Layer.ROUTER)
        return SelfReport(
            started_at_s=self.started_at_s,
            heard_at_s=now_s,
            reports=self.reports or says_ready or "WATCHDOG" in fields,
            ready=ready,
            text=fields.get("STATUS", self.text),
            complaints=complaints,
            failing_since_s={layer: self.failing_since_s.get(layer, now_s) for layer in failing},
        )

    def excused(self, now_s: float) -> "SelfReport":
        """Return the report of an instance that could not be heard until now [s, monotonic]."""
        heard_at_s = None if self.heard_at_s is None else now_s
        failing_since_s = dict.fromkeys(self.failing_since_s, now_s)
        return replace(self, heard_at_s=heard_at_s, failing_since_s=failing_since_s)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The health of an instance, and the reason for it."""

    health: Health | None
    """None for an instance that does not run."""
    reason: str = ""
    """The fault; empty if the health is ok."""
    layer: Layer | None = None
    """The first layer that fails."""


WELL: Final = Verdict(Health.OK)
"""The health of most instances at most times."""


def judge(
    life: Lifecycle, report: SelfReport, now_s: float, liveness: Liveness = DEFAULT_LIVENESS
) -> Verdict:
    """Return an instance's health at `now_s` [s, monotonic], by its state and its last report.

    A layer whose response is ``nothing`` is not judged.
    """
    if life.state not in {State.STARTING, State.UP}:
        return Verdict(None)
    for layer, text in _failing(life, report, now_s):
        if liveness[layer] is not Response.NOTHING:
            health = Health.HUNG if layer is Layer.REACTOR else Health.DEGRADED
            return Verdict(health, text, layer)
    if life.failures >= UNSTABLE_FAILURES and not life.is_steady(now_s):
        text = f"{life.failures} unexpected ends in a row; {life.last_end}"
        return Verdict(Health.UNSTABLE, text)
    return WELL


def is_plainly_well(life: Lifecycle, report: SelfReport, now_s: float) -> bool:
    """Return whether `judge` would find an instance ok whatever its liveness, at a glance.

    False means that only `judge` can tell.
    """
    return (
        life.state is State.UP
        and not life.failures
        and report.ready
        and not report.text
        and not report.failing_since_s
        and report.heard_at_s is not None
        and now_s - report.heard_at_s <= REACTOR_SILENCE_LIMIT_S
    )


def reason_to_restart(
    life: Lifecycle, report: SelfReport, now_s: float, liveness: Liveness = DEFAULT_LIVENESS
) -> str:
    """Return why an instance has to be restarted for a layer that fails; empty if not."""
    if life.state not in {State.STARTING, State.UP}:
        return ""
    since = {**report.failing_since_s, Layer.REACTOR: report.heard_at_s}
    for layer, text in _failing(life, report, now_s):
        since_s = since.get(layer)
        lasted = since_s is not None and now_s - since_s >= PATIENCE_S
        if lasted and liveness[layer] is Response.RESTART:
            return f"{layer}: {_without_remedy(text, report)}"
    return ""


def _failing(life: Lifecycle, report: SelfReport, now_s: float) -> list[tuple[Layer, str]]:
    """Return the layers that fail and the words for each, the lowest first."""
    starts = life.state is State.STARTING
    if report.heard_at_s is None:
        # Programs that report nothing, such as agents of the published OCS, are polled instead.
        return _late(report, now_s) * starts
    failing: list[tuple[Layer, str]] = []
    silent_s = now_s - report.heard_at_s
    if silent_s > REACTOR_SILENCE_LIMIT_S:
        failing.append((Layer.REACTOR, _silent(report, silent_s)))
    if starts:
        return failing + _late(report, now_s)
    return failing + _complained_of(report)


def _complained_of(report: SelfReport) -> list[tuple[Layer, str]]:
    """Return the layers above the reactor of which an instance complains itself."""
    complaints = [(layer, text) for layer, text in report.complaints.items() if text]
    if not report.ready:
        return [(Layer.ROUTER, report.text or "it is not joined to the realm"), *complaints]
    if report.text:
        complaints.append((Layer.OPERATIONS, report.text))
    return complaints


def _silent(report: SelfReport, silent_s: float) -> str:
    if report.held:
        return f"no answer for {silent_s:.0f} s: {report.held}"
    if report.reports:
        return f"its reactor has not answered for {silent_s:.0f} s"
    return (
        f"its reactor has not begun to report for {silent_s:.0f} s since its start; "
        "if it needs that long, its entry may say `liveness: {reactor: warn}`"
    )


def _without_remedy(text: str, report: SelfReport) -> str:
    """Leave out the remedy for a process that is held: it is about to be ended."""
    _, semicolon, remedy = report.held.partition(";")
    return text.removesuffix(semicolon + remedy)


def _late(report: SelfReport, now_s: float) -> list[tuple[Layer, str]]:
    # An instance without a process waits for others, which is reported elsewhere.
    if report.started_at_s is None or now_s - report.started_at_s <= SLOW_START_S:
        return []
    waited_s = now_s - report.started_at_s
    return [(Layer.ROUTER, f"not ready after {waited_s:.0f} s: {report.text or 'no word of it'}")]
