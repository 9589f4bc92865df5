"""How well a running instance does: layer by layer, from what is known of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from ocsd.supervisor.events import State
from ocsd.supervisor.lifecycle import Lifecycle

REACTOR_SILENCE_LIMIT_S: Final = 10.0
"""The agent runtime's reactor reports every second; so much silence is a hang."""

SLOW_START_S: Final = 10.0
"""An instance that starts for longer than this has a problem that is worth showing."""

PATIENCE_S: Final = 30.0
"""A layer that shall cause a restart has so long to recover."""

UNSTABLE_FAILURES: Final = 2
"""So many unexpected ends in a row, the last one not yet forgotten."""


class Health(StrEnum):
    """How well a running instance does."""

    OK = "ok"
    DEGRADED = "degraded"
    UNSTABLE = "unstable"
    HUNG = "hung"


class Layer(StrEnum):
    """What has to work, each resting on those before it."""

    REACTOR = "reactor"
    """Its event loop turns: it reports every second."""
    ROUTER = "router"
    """It has joined the realm and its addresses are registered."""
    CALL = "call"
    """A call to it, through the router, is answered."""
    FEEDS = "feeds"
    """Its recorded feeds are fresh while an operation that fills them runs."""
    OPERATIONS = "operations"
    """No operation calls itself degraded, and none that should run has failed."""


class Response(StrEnum):
    """What the failure of a layer leads to."""

    NOTHING = "nothing"
    WARN = "warn"
    RESTART = "restart"


Liveness = Mapping[Layer, Response]

DEFAULT_LIVENESS: Final[Liveness] = {
    Layer.REACTOR: Response.RESTART,
    Layer.ROUTER: Response.WARN,
    Layer.CALL: Response.WARN,
    Layer.FEEDS: Response.WARN,
    Layer.OPERATIONS: Response.WARN,
}
"""Only a process that does nothing at all is ended by force."""

_COMPLAINTS: Final = {Layer.CALL: "X_CALL", Layer.FEEDS: "X_FEEDS"}
"""Under which names of the notify protocol an agent complains of a layer."""


@dataclass(frozen=True, slots=True)
class SelfReport:
    """What an instance last said of itself through the notify socket.

    Attributes
    ----------
    started_at_s : float or None
        When its process was started [s, monotonic]; None if it has none yet.
    heard_at_s : float or None
        When it last said anything [s, monotonic]; None if it never did.
    reports : bool
        Whether its reactor has begun to report.
    ready : bool
        Whether it then was joined to the realm.
    text : str
        Its STATUS line: what is wrong with it.
    complaints : mapping of Layer to str
        What it says is wrong with a layer.
    failing_since_s : mapping of Layer to float
        Since when it says so [s, monotonic].
    held : str
        Who or what keeps it from saying anything, as far as the kernel tells.
    """

    started_at_s: float | None = None
    heard_at_s: float | None = None
    reports: bool = False
    ready: bool = False
    text: str = ""
    complaints: Mapping[Layer, str] = field(default_factory=dict)
    failing_since_s: Mapping[Layer, float] = field(default_factory=dict)
    held: str = ""

    def after(self, fields: Mapping[str, str], now_s: float) -> "SelfReport":
        """Return the report that follows a notification.

        Parameters
        ----------
        fields : mapping of str to str
            Assignments of sd_notify(3), and ``X_CALL`` and ``X_FEEDS``: what is wrong with
            these layers, empty if nothing is.
        now_s : float
            The time [s, monotonic].
        """
        says_ready = fields.get("READY") == "1"
        says_nothing_of_it = not says_ready and "WATCHDOG" not in fields
        ready = self.ready if says_nothing_of_it else says_ready
        complaints = {
            layer: fields.get(key, self.complaints.get(layer, ""))
            for layer, key in _COMPLAINTS.items()
        }
        failing = {layer for layer, text in complaints.items() if text}
        failing |= set() if ready else {Layer.ROUTER}
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
        """Return the report of one whom nobody could hear until now.

        Parameters
        ----------
        now_s : float
            The time [s, monotonic].
        """
        heard_at_s = None if self.heard_at_s is None else now_s
        failing = dict.fromkeys(self.failing_since_s, now_s)
        return replace(self, heard_at_s=heard_at_s, failing_since_s=failing)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an instance does.

    Attributes
    ----------
    health : Health or None
        None for an instance that does not run.
    reason : str
        Why; empty if the health is ok.
    layer : Layer or None
        The first layer that fails.
    """

    health: Health | None
    reason: str = ""
    layer: Layer | None = None


def judge(
    life: Lifecycle, report: SelfReport, now_s: float, liveness: Liveness = DEFAULT_LIVENESS
) -> Verdict:
    """Return an instance's health, the reason for it and the layer that fails.

    Parameters
    ----------
    life : Lifecycle
        Where the instance stands.
    report : SelfReport
        What it said of itself.
    now_s : float
        The time [s, monotonic].
    liveness : mapping of Layer to Response
        Layers that answer with ``nothing`` are not looked at.
    """
    if life.state not in {State.STARTING, State.UP}:
        return Verdict(None)
    for layer, text in _failing(life, report, now_s):
        if liveness[layer] is not Response.NOTHING:
            health = Health.HUNG if layer is Layer.REACTOR else Health.DEGRADED
            return Verdict(health, text, layer)
    if life.failures >= UNSTABLE_FAILURES and not life.is_steady(now_s):
        return Verdict(
            Health.UNSTABLE, f"{life.failures} unexpected ends in a row; {life.last_end}"
        )
    return Verdict(Health.OK)


def reason_to_restart(
    life: Lifecycle, report: SelfReport, now_s: float, liveness: Liveness = DEFAULT_LIVENESS
) -> str:
    """Return why an instance has to be restarted for a layer that fails; empty if not.

    The parameters are those of `judge`.
    """
    if life.state not in {State.STARTING, State.UP}:
        return ""
    for layer, text in _failing(life, report, now_s):
        since_s = report.heard_at_s if layer is Layer.REACTOR else report.failing_since_s.get(layer)
        lasted = since_s is not None and now_s - since_s >= PATIENCE_S
        if lasted and liveness[layer] is Response.RESTART:
            return f"{layer}: {text}"
    return ""


def _failing(life: Lifecycle, report: SelfReport, now_s: float) -> list[tuple[Layer, str]]:
    """Return the layers that fail and what to say of each, the lowest first."""
    if report.heard_at_s is None:
        # Programs that report nothing, such as agents of the published OCS, are
        # watched from outside.
        return _late(report, now_s) if life.state is State.STARTING else []
    found: list[tuple[Layer, str]] = []
    silent_s = now_s - report.heard_at_s
    if silent_s > REACTOR_SILENCE_LIMIT_S:
        found.append((Layer.REACTOR, _silent(report, silent_s)))
    if life.state is State.STARTING:
        return found + _late(report, now_s)
    if not report.ready:
        found.append((Layer.ROUTER, report.text or "it is not joined to the realm"))
    found += [(layer, text) for layer, text in report.complaints.items() if text]
    if report.ready and report.text:
        found.append((Layer.OPERATIONS, report.text))
    return found


def _silent(report: SelfReport, silent_s: float) -> str:
    if report.held:
        return f"no answer for {silent_s:.0f} s: {report.held}"
    if report.reports:
        return f"its reactor has not answered for {silent_s:.0f} s"
    return (
        f"its reactor has not begun to report for {silent_s:.0f} s since its start; "
        "if it needs so long, its entry may say `liveness: {reactor: warn}`"
    )


def _late(report: SelfReport, now_s: float) -> list[tuple[Layer, str]]:
    # What has no process waits for others, and that is told elsewhere.
    waited_s = 0.0 if report.started_at_s is None else now_s - report.started_at_s
    if waited_s <= SLOW_START_S:
        return []
    text = f"not ready after {waited_s:.0f} s: {report.text or 'no word of it'}"
    return [(Layer.ROUTER, text)]
