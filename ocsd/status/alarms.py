"""The answer of the daemon about alarms, as values and in words."""

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from ocsd.status.activity import known
from ocsd.text.reason import clause
from ocsd.text.times import utc

_SEVERITIES: Final = ("critical", "warning", "info")
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
            unseen = "nothing came yet that it could judge; does it name the right thing?"
        return "; ".join(filter(None, (self.text or self.when, known_by, silence, unseen)))


class DeliveryStatus(NamedTuple):
    """A message about alarms that is not delivered yet."""

    receiver: str = "?"
    state: str = "waiting"
    attempts: int = 0
    queued_at: float | None = None
    due_at: float | None = None
    reason: str = ""

    @property
    def words(self) -> str:
        """What has become of it."""
        tries = f"{self.state}, {self.attempts} tries"
        since = ""
        if self.queued_at is not None:
            since = f" since {utc(self.queued_at)}"
        return f"{self.receiver}: {tries}{since}{clause(': ', self.reason)}"


class HostAlarms(NamedTuple):
    """All alarms of a host, those that need somebody first."""

    alarms: tuple[AlarmStatus, ...] = ()
    deliveries: tuple[DeliveryStatus, ...] = ()
    as_of: float | None = None
    """When they were judged last."""
    evaluator: str = ""
    """The state of the instance that judges them."""

    @property
    def trouble(self) -> str:
        """Why the answer may not be the present one; empty if nothing is wrong."""
        if self.evaluator in {"", "running", "up"}:
            return ""
        of = ""
        if self.as_of:
            of = f", this is of {utc(self.as_of)}"
        return f"alarms are not judged now{of}: {self.evaluator}; see: ocsd why alarms"


def alarms_of(answer: Mapping[str, Any]) -> HostAlarms:
    """Return the answer of ``GET /v1/alarms`` as a value."""
    found = (AlarmStatus(**known(AlarmStatus, _full(row))) for row in answer.get("alarms", ()))
    deliveries = _deliveries(answer.get("deliveries", ()))
    return HostAlarms(
        tuple(sorted(found, key=lambda each: each.urgency)),
        deliveries,
        answer.get("as_of"),
        str(answer.get("evaluator") or ""),
    )


def _full(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without a silence that is over."""
    until = row.get("silenced_until")
    if until is not None and until <= time.time():
        return {**row, "silenced_until": None, "silenced_by": ""}
    return dict(row)


def _deliveries(rows: Iterable[Mapping[str, Any]]) -> tuple[DeliveryStatus, ...]:
    found = (DeliveryStatus(**known(DeliveryStatus, row)) for row in rows)
    return tuple(each for each in found if each.state != "delivered")


def _place(word: str, words: tuple[str, ...]) -> int:
    if word in words:
        return words.index(word)
    return len(words)
