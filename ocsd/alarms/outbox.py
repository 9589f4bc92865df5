"""Messages on their way to people: each is tried until it is delivered, or given up in words.

It opens no connection and keeps no file. Its owner writes `Outbox.to_json` down before an attempt
begins, so that the next owner, after a kill, knows of an attempt whose end nobody has seen.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final

FIRST_RETRY_S: Final = 5.0
"""Delay of the second attempt [s]; each further one waits twice as long."""
LONGEST_RETRY_S: Final = 600.0
GIVEN_UP_AFTER_S: Final = 86400.0
"""Age at which a message that nobody took is given up [s]."""


class DeliveryState(StrEnum):
    """The state of a message to one receiver."""

    WAITING = "waiting"
    UNDER_WAY = "under way"
    UNCERTAIN = "uncertain"
    """An attempt was under way when its owner ended: perhaps it was delivered."""
    DELIVERED = "delivered"
    UNDELIVERABLE = "undeliverable"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to one receiver; times are Unix times [s]."""

    key: str
    """Names it at the receiver, too, so that one who got it twice can tell."""
    receiver: str
    content: Mapping[str, Any]
    queued_at: float
    state: DeliveryState = DeliveryState.WAITING
    attempts: int = 0
    due_at: float = 0.0
    """When it is tried next."""
    reason: str = ""
    """Why the last attempt failed."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is tried."""
        return self.state in {DeliveryState.DELIVERED, DeliveryState.UNDELIVERABLE}

    def begun(self) -> "Delivery":
        """Return it when an attempt begins; it is written down before the attempt."""
        return replace(self, state=DeliveryState.UNDER_WAY, attempts=self.attempts + 1)

    def delivered(self) -> "Delivery":
        """Return it when the receiver has taken it."""
        return replace(self, state=DeliveryState.DELIVERED, reason="")

    def failed(self, reason: str, at: float) -> "Delivery":
        """Return it when an attempt has failed: it waits, or is given up."""
        if at - self.queued_at >= GIVEN_UP_AFTER_S:
            return replace(self, state=DeliveryState.UNDELIVERABLE, reason=reason)
        # 2 ** 16 s is longer than any wait, and no float is too small for it.
        doubled_s = FIRST_RETRY_S * 2.0 ** min(self.attempts - 1, 16)
        due_at = at + min(doubled_s, LONGEST_RETRY_S)
        return replace(self, state=DeliveryState.WAITING, reason=reason, due_at=due_at)


@dataclass(frozen=True, slots=True)
class Outbox:
    """All messages that are not over, in the order in which they were queued."""

    deliveries: tuple[Delivery, ...] = ()

    def queued(self, key: str, receiver: str, content: Mapping[str, Any], at: float) -> "Outbox":
        """Return it with one more message; one of the same key to the same receiver stays alone."""
        if self.find(key, receiver) is not None:
            return self
        return Outbox((*self.deliveries, Delivery(key, receiver, content, at, due_at=at)))

    def find(self, key: str, receiver: str) -> Delivery | None:
        """Return a message; None if there is none."""
        wanted = (key, receiver)
        return next((each for each in self.deliveries if (each.key, each.receiver) == wanted), None)

    def due(self, at: float) -> tuple[Delivery, ...]:
        """Return what is to be tried now: one message to each receiver that is not busy.

        A message that a receiver refuses holds up no other one.
        """
        busy = {each.receiver for each in self.deliveries if each.state is DeliveryState.UNDER_WAY}
        first: dict[str, Delivery] = {}
        for each in self.deliveries:
            is_due = each.state is DeliveryState.WAITING and at >= each.due_at
            if is_due and each.receiver not in busy:
                first.setdefault(each.receiver, each)
        return tuple(first.values())

    def changed(self, delivery: Delivery) -> "Outbox":
        """Return it with a message in its new state; what is over is left out."""
        now = (
            delivery if (each.key, each.receiver) == (delivery.key, delivery.receiver) else each
            for each in self.deliveries
        )
        return Outbox(tuple(each for each in now if not each.is_over))

    def to_json(self) -> list[dict[str, Any]]:
        """Return it for a file: `outbox_from_json` reads it."""
        return [asdict(each) for each in self.deliveries]


def outbox_from_json(told: list[dict[str, Any]]) -> Outbox:
    """Return an outbox that another process has kept.

    What was under way is uncertain: its owner finds out, or gives it up, before it is tried again.
    """
    known = {each.name for each in fields(Delivery)}
    found = []
    for row in told:
        delivery = Delivery(**{key: value for key, value in row.items() if key in known})
        state = DeliveryState(delivery.state)
        if state is DeliveryState.UNDER_WAY:
            state = DeliveryState.UNCERTAIN
        found.append(replace(delivery, state=state))
    return Outbox(tuple(found))
