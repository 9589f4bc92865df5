"""Messages on their way to people: each is tried until it is delivered, or given up in words.

It opens no connection and keeps no file. Its owner writes `Outbox.to_json` down before an attempt
begins, so that the next owner, after a kill, knows of an attempt whose end nobody has seen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final

FIRST_REPEAT_S: Final = 5.0
"""Delay of the second attempt [s]; each further one waits twice as long."""
LONGEST_REPEAT_S: Final = 600.0
_LONGEST_WAIT_S: Final = 7200.0
GIVEN_UP_AFTER_S: Final = 86400.0
"""Age at which a message that nobody took is given up [s]."""
FEWEST_ATTEMPTS: Final = 10
"""Attempts before it is given up: the host may have been down for a day, or its clock wrong."""


class MessageState(StrEnum):
    """The state of a message to one receiver."""

    WAITING = "waiting"
    UNDER_WAY = "under way"
    UNCERTAIN = "uncertain"
    """An attempt was under way when its owner ended: perhaps it was delivered."""
    DELIVERED = "delivered"
    UNDELIVERABLE = "undeliverable"


@dataclass(frozen=True, slots=True)
class AlarmMessage:
    """A message to one receiver; times are Unix times [s]."""

    key: str
    """Names it at the receiver, too, so that one who got it twice can tell."""
    receiver: str
    content: Mapping[str, Any]
    queued_at: float
    state: MessageState = MessageState.WAITING
    attempts: int = 0
    due_at: float = 0.0
    """When it is tried next."""
    reason: str = ""
    """Why the last attempt failed."""

    @property
    def is_over(self) -> bool:
        """Whether nothing more is tried."""
        return self.state in {MessageState.DELIVERED, MessageState.UNDELIVERABLE}

    def is_due(self, at: float) -> bool:
        """Return whether it is time to try it; no wait is so long that the clock was not set back.

        A receiver may ask for an hour.
        """
        return not 0 < self.due_at - at <= _LONGEST_WAIT_S

    def begun(self) -> "AlarmMessage":
        """Return it when an attempt begins; it is written down before the attempt."""
        return replace(self, state=MessageState.UNDER_WAY, attempts=self.attempts + 1)

    def delivered(self) -> "AlarmMessage":
        """Return it when the receiver has taken it."""
        return replace(self, state=MessageState.DELIVERED, reason="")

    def failed(self, reason: str, at: float) -> "AlarmMessage":
        """Return it when an attempt has failed: it waits, or is given up."""
        if self.attempts >= FEWEST_ATTEMPTS and at - self.queued_at >= GIVEN_UP_AFTER_S:
            return replace(self, state=MessageState.UNDELIVERABLE, reason=reason)
        # 2 ** 16 s is longer than any wait, and no float is too small for it.
        doubled_s = FIRST_REPEAT_S * 2.0 ** min(self.attempts - 1, 16)
        due_at = at + min(doubled_s, LONGEST_REPEAT_S)
        return replace(self, state=MessageState.WAITING, reason=reason, due_at=due_at)


_PARTS: Final = tuple(each.name for each in fields(AlarmMessage))


@dataclass(frozen=True, slots=True)
class Outbox:
    """All messages that are not over, in the order in which they were queued."""

    messages: tuple[AlarmMessage, ...] = ()

    def queued(self, key: str, receiver: str, content: Mapping[str, Any], at: float) -> "Outbox":
        """Return it with one more message; one of the same key to the same receiver stays alone."""
        if self.find(key, receiver) is not None:
            return self
        return Outbox((*self.messages, AlarmMessage(key, receiver, content, at, due_at=at)))

    def find(self, key: str, receiver: str) -> AlarmMessage | None:
        """Return a message; None if there is none."""
        wanted = (key, receiver)
        return next((each for each in self.messages if (each.key, each.receiver) == wanted), None)

    def due(self, at: float) -> tuple[AlarmMessage, ...]:
        """Return what is to be tried now: one message to each receiver that is not busy.

        A message that a receiver refuses holds up no other one.
        """
        busy = {each.receiver for each in self.messages if each.state is MessageState.UNDER_WAY}
        first: dict[str, AlarmMessage] = {}
        for each in self.messages:
            is_waiting = each.state is MessageState.WAITING and each.receiver not in busy
            if is_waiting and each.is_due(at):
                first.setdefault(each.receiver, each)
        return tuple(first.values())

    def changed(self, message: AlarmMessage) -> "Outbox":
        """Return it with a message in its new state; what is over is left out."""
        now = (
            message if (each.key, each.receiver) == (message.key, message.receiver) else each
            for each in self.messages
        )
        return Outbox(tuple(each for each in now if not each.is_over))

    def to_json(self) -> list[dict[str, Any]]:
        """Return it for a file: `outbox_from_json` reads it."""
        return [{name: getattr(each, name) for name in _PARTS} for each in self.messages]


def outbox_from_json(told: list[dict[str, Any]]) -> Outbox:
    """Return an outbox that another process has kept.

    What was under way is uncertain: its owner finds out, or gives it up, before it is tried again.
    """
    found = []
    for row in told:
        message = AlarmMessage(**{key: value for key, value in row.items() if key in _PARTS})
        state = MessageState(message.state)
        if state is MessageState.UNDER_WAY:
            state = MessageState.UNCERTAIN
        found.append(replace(message, state=state))
    return Outbox(tuple(found))
