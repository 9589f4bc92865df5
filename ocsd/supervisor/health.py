"""How well a running instance does, decided from what is known of it."""

from dataclasses import dataclass
from enum import StrEnum

from ocsd.supervisor.events import State
from ocsd.supervisor.lifecycle import Lifecycle


class Health(StrEnum):
    """How well a running instance does."""

    OK = "ok"
    DEGRADED = "degraded"
    UNSTABLE = "unstable"
    HUNG = "hung"


SILENCE_LIMIT_S = 10.0
"""The agent runtime's reactor reports every second; so much silence is a hang."""

START_LIMIT_S = 10.0
"""An instance that starts for longer than this has a problem that is worth showing."""

UNSTABLE_FAILURES = 2
"""So many unexpected ends in a row, the last one not yet forgotten."""


@dataclass(frozen=True, slots=True)
class SelfReport:
    """What an instance last said of itself through the notify socket.

    Attributes
    ----------
    heard_at_s : float or None
        When it last said anything [s, monotonic]; None if it never did.
    ready : bool
        Whether it then was joined to the realm.
    text : str
        Its STATUS line: what is wrong with it.
    """

    heard_at_s: float | None = None
    ready: bool = False
    text: str = ""


def judge(life: Lifecycle, report: SelfReport, now_s: float) -> tuple[Health | None, str]:
    """Return an instance's health and the reason for it.

    Parameters
    ----------
    life : Lifecycle
        Where the instance stands.
    report : SelfReport
        What it said of itself.
    now_s : float
        The time [s, monotonic].

    Returns
    -------
    health : Health or None
        None for an instance that does not run.
    reason : str
        Empty if the health is ok.
    """
    if life.state not in {State.STARTING, State.UP}:
        return None, ""
    if report.heard_at_s is not None and now_s - report.heard_at_s > SILENCE_LIMIT_S:
        silent_s = now_s - report.heard_at_s
        return Health.HUNG, f"its reactor has not answered for {silent_s:.0f} s"
    if life.state is State.STARTING and now_s - life.since_s > START_LIMIT_S:
        waited_s = now_s - life.since_s
        return (
            Health.DEGRADED,
            f"not ready after {waited_s:.0f} s: {report.text or 'no word of it'}",
        )
    if life.state is State.UP and report.heard_at_s is not None:
        if not report.ready:
            return Health.DEGRADED, report.text or "it is not joined to the realm"
        if report.text:
            return Health.DEGRADED, report.text
    if life.failures >= UNSTABLE_FAILURES and not life.is_steady(now_s):
        return Health.UNSTABLE, f"{life.failures} unexpected ends in a row; {life.last_end}"
    return Health.OK, ""
