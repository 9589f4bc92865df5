"""The answer of the daemon about alarms, as values and in words."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from ocsd.status.activity import known
from ocsd.text.plural import plural
from ocsd.text.reason import clause
from ocsd.text.times import utc

_SEVERITIES: Final = ("critical", "warning", "info")
_GIVEN_UP_SHOWN_S: Final = 86400.0
"""Age up to which a message that was given up is shown [s]."""
_STATES: Final = ("raised", "pending", "unseen", "clear")


class AlarmStatus(NamedTuple):
    """An alarm of the host; times are Unix times [s], None where there is none."""

    name: str
    severity: str = "warning"
    text: str = ""
    when: str = ""
    """Its condition, as the site file has it."""
    state: str = "clear"
    """``clear``, ``pending`` (its condition holds, but not for long enough), ``raised``, or
    ``unseen`` (nothing was judged for it yet).
    """
    since: float | None = None
    value: float | None = None
    at: float | None = None
    """Time of that value."""
    acknowledged_by: str = ""
    silenced_by: str = ""
    silenced_until: float | None = None
    unseen_because: str = ""

    @property
    def is_silenced(self) -> bool:
        """Whether nobody is told of it."""
        return self.silenced_until is not None

    @property
    def waits(self) -> bool:
        """Whether it is raised, and nobody has said that they know."""
        return self.state == "raised" and not self.acknowledged_by and not self.is_silenced

    @property
    def urgency(self) -> tuple[int, bool, int, str]:
        """Its place in a list that begins with what needs somebody."""
        return (
            _place(self.state, _STATES),
            not self.waits,
            _place(self.severity, _SEVERITIES),
            self.name,
        )

    @property
    def words(self) -> str:
        """Its text, who knows of it, and until when it is silenced."""
        known_by = clause("acknowledged by ", self.acknowledged_by)
        silence = ""
        if self.silenced_until is not None:
            silence = f"silenced until {utc(self.silenced_until)}{clause(' by ', self.silenced_by)}"
        unseen = ""
        if self.state == "unseen":
            unseen = "nothing came yet that it could judge; "
            unseen += self.unseen_because or "does it name the right thing?"
        return "; ".join(filter(None, (self.text or self.when, known_by, silence, unseen)))


class DeliveryStatus(NamedTuple):
    """A message about alarms that is not delivered yet."""

    receiver: str = "?"
    state: str = "waiting"
    attempts: int = 0
    queued_at: float | None = None
    title: str = ""
    at: float = 0.0
    """When its state changed last."""
    reason: str = ""

    @property
    def is_open(self) -> bool:
        """Whether somebody should know that it has not arrived."""
        is_old = time.time() - self.at > _GIVEN_UP_SHOWN_S
        return self.state != "delivered" and not (self.state == "undeliverable" and is_old)

    @property
    def words(self) -> str:
        """Its receiver, its title, and the end of its last attempt."""
        tries = f"{self.state} after {plural(self.attempts, 'attempt')}"
        since = ""
        if self.queued_at is not None:
            since = f" since {utc(self.queued_at)}"
        about = clause(", ", self.title)
        return f"{self.receiver}{about}: {tries}{since}{clause(': ', self.reason)}"


class AlarmCounts(NamedTuple):
    """The alarms of the host in numbers."""

    raised: int = 0
    """All that are raised, also those that somebody knows of."""
    acknowledged: int = 0
    """Of them: those that somebody has acknowledged."""
    silenced: int = 0
    waiting: int = 0
    """Those of the raised ones that matter, and of which nobody has said that they know."""
    worst: str | None = None
    """The worst severity of those that are raised and not silenced."""
    failing: int = 0
    """Messages that somebody did not take yet; they are tried again."""
    undeliverable: int = 0
    """Messages of the last day that were given up."""
    since: float | None = None
    """Since when one of that severity is raised [s, Unix time]."""
    nothing: tuple[str, ...] = ()
    """Those for which nothing comes that they could judge, although messages or states come."""
    evaluator: str = "running"
    """The state of the instance that judges them; `running`, or words."""

    @property
    def are_judged(self) -> bool:
        """Whether they are judged now."""
        return self.evaluator == "running"

    @property
    def wait(self) -> bool:
        """Whether one is raised that matters, and nobody has said that they know."""
        return self.waiting > 0


class HostAlarms(NamedTuple):
    """All alarms of a host, those that need somebody first."""

    alarms: tuple[AlarmStatus, ...] = ()
    deliveries: tuple[DeliveryStatus, ...] = ()
    as_of: float | None = None
    """When they were judged last."""
    evaluator: str = "running"
    """The state of the instance that judges them: ``running``, or words."""
    unwell: str = ""
    """Why no sign of life is sent."""
    heartbeats: tuple[str, ...] = ()
    """The signs of life that nobody took, and why."""

    @property
    def troubles(self) -> list[str]:
        """Reasons why the answer is old, and why no sign of life is sent; empty if all is well."""
        found = [f"heartbeat {each}" for each in self.heartbeats]
        if self.unwell:
            found.append(f"no heartbeats are sent: {self.unwell}")
        if self.evaluator != "running":
            of = ""
            if self.as_of:
                of = f", this is of {utc(self.as_of)}"
            found.append(f"alarms are not judged now{of}: {self.evaluator}")
        return found


def alarms_of(answer: Mapping[str, Any]) -> HostAlarms:
    """Return the answer of ``GET /v1/alarms`` as a value."""
    found = (AlarmStatus(**known(AlarmStatus, _full(row))) for row in answer.get("alarms", ()))
    deliveries = _deliveries(answer.get("deliveries", ()))
    beats: Mapping[str, Any] = answer.get("heartbeats") or {}
    failed = tuple(f"{name}: {beat['failure']}" for name, beat in beats.items() if beat["failure"])
    unwell = ""
    if beats:
        unwell = str(answer.get("unwell") or "")
    return HostAlarms(
        tuple(sorted(found, key=lambda each: each.urgency)),
        deliveries,
        answer.get("as_of"),
        str(answer.get("evaluator") or "running"),
        unwell,
        failed,
    )


def _full(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without a silence that is over."""
    until = row.get("silenced_until")
    if until is not None and until <= time.time():
        return {**row, "silenced_until": None, "silenced_by": ""}
    return dict(row)


def _deliveries(rows: Iterable[Mapping[str, Any]]) -> tuple[DeliveryStatus, ...]:
    found = (DeliveryStatus(**known(DeliveryStatus, row)) for row in rows)
    return tuple(each for each in found if each.is_open)


def _place(word: str, words: tuple[str, ...]) -> int:
    if word in words:
        return words.index(word)
    return len(words)
