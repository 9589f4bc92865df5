"""Messages on their way: queued, tried, and told as delivered or given up."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

from ocsd.alarms import view
from ocsd.alarms.outbox import AlarmMessage, MessageState, Outbox
from ocsd.evaluator.attempts import AttemptResult
from ocsd.evaluator.pages import PageKind

MOST_ATTEMPTS: Final = 8
MOST_WAITING: Final = 100
"""Messages that wait for one receiver: an alarm that comes and goes must not fill the disk while
its receiver is away.
"""
_TRIED: Final = frozenset({MessageState.UNDER_WAY, MessageState.UNCERTAIN})
_ENDS: Final = frozenset({PageKind.CLEARED, PageKind.WITHDRAWN})

Row = Mapping[str, Any]


class Tries(Protocol):
    """Makes attempts (`ocsd.evaluator.attempts.DeliveryAttempts`)."""

    def begin(self, name: str, job: Row) -> None:
        """Begin one."""

    def runs(self, name: str) -> bool:
        """Return whether it is under way."""

    def end(self, name: str) -> AttemptResult:
        """Return how it has ended."""

    def forget(self, name: str) -> None:
        """Remove what is left of it."""


class Deliveries:
    """The outbox, and the attempts for its messages.

    Parameters
    ----------
    receivers : mapping
        The keys of each receiver, as the site file has them.
    """

    def __init__(self, outbox: Outbox, receivers: Mapping[str, Row], tries: Tries) -> None:
        self.outbox = outbox
        self._receivers = receivers
        self._tries = tries

    def queue(self, key: str, receivers: Iterable[str], content: Row, at: float) -> None:
        """Queue a message to some receivers.

        A reminder is left out while an earlier message of the incident waits. The end of an
        incident replaces what its receiver has not got.
        """
        kind, incident = content["kind"], content["incident"]
        for receiver in filter(self._receivers.__contains__, receivers):
            waiting = [
                each for each in self._waiting(receiver) if each.content["incident"] == incident
            ]
            if incident is not None and waiting:
                if kind == PageKind.REMINDER:
                    continue
                if kind in _ENDS:
                    self._drop(waiting)
            self.outbox = self.outbox.queued(key, receiver, content, at)

    def without_receivers_of_before(self) -> list[AlarmMessage]:
        """Drop the messages to receivers that the site file has no more, and return them.

        An attempt that is under way ends by itself.
        """
        gone = [each for each in self.outbox.messages if each.receiver not in self._receivers]
        gone = [each for each in gone if each.state not in _TRIED]
        self._drop(gone)
        return gone

    def settle(self, at: float) -> tuple[list[Row], list[AlarmMessage]]:
        """Take in the attempts that have ended.

        Returns
        -------
        list of mapping
            The rows of the messages that are over.
        list of AlarmMessage
            Those that a person should know of: given up, or refused at the first attempt.
        """
        rows, unhappy = list[Row](), list[AlarmMessage]()
        for message in self.outbox.messages:
            if message.state not in _TRIED:
                continue
            if self._tries.runs(_attempt(message)):
                # One that an evaluator before has begun is not uncertain any more.
                going_on = replace(message, state=MessageState.UNDER_WAY)
                self.outbox = self.outbox.changed(going_on)
            else:
                after, is_refused = _after(message, self._tries.end(_attempt(message)), at)
                self.outbox = self.outbox.changed(after)
                if after.state is MessageState.WAITING and self._is_overtaken(after):
                    self._drop([after])
                    continue
                if after.is_over:
                    rows.append(view.delivery_row(after, at))
                if after.state is MessageState.UNDELIVERABLE or is_refused:
                    unhappy.append(after)
        return rows, unhappy

    def forget(self, before: Outbox) -> None:
        """Remove the files of attempts whose end is kept now; `before` had them under way."""
        for message in before.messages:
            now = self.outbox.find(message.key, message.receiver)
            if message.state in _TRIED and (now is None or now.state not in _TRIED):
                self._tries.forget(_attempt(message))

    def begin(self, at: float, keep: Callable[[], bool]) -> list[AlarmMessage]:
        """Begin the attempts that are due, once `keep` has written that down.

        Return the messages that are given up untried.
        """
        given_up = [*self._unknown(), *self._crowded()]
        for each in given_up:
            self.outbox = self.outbox.changed(each)
        running = sum(each.state in _TRIED for each in self.outbox.messages)
        due = self.outbox.due(at)[: max(0, MOST_ATTEMPTS - running)]
        before = self.outbox
        for message in due:
            self.outbox = self.outbox.changed(message.begun())
        if due and not keep():
            self.outbox = before
            return given_up
        for message in due:
            self._begin(message.begun(), at)
        return given_up

    def _unknown(self) -> Iterator[AlarmMessage]:
        """Yield the messages whose receivers the site file has no more, as given up."""
        for each in self._all_waiting():
            if each.receiver not in self._receivers:
                yield _given_up(each, "the site file has no such receiver any more")

    def _crowded(self) -> Iterator[AlarmMessage]:
        """Yield the messages to a receiver that are too many, as given up: the oldest ends first.

        The beginning of an incident is more to people than the end of one.
        """
        for receiver in self._receivers:
            waiting = sorted(
                self._waiting(receiver), key=lambda each: each.content["kind"] not in _ENDS
            )
            for each in waiting[: max(0, len(waiting) - MOST_WAITING)]:
                yield _given_up(each, f"more than {MOST_WAITING} messages wait for this receiver")

    def _begin(self, message: AlarmMessage, at: float) -> None:
        job = {
            "key": message.key,
            "receiver": self._receivers[message.receiver],
            "content": message.content,
        }
        try:
            self._tries.begin(_attempt(message), job)
        except OSError as error:
            failed = message.failed(f"its attempt cannot be started: {error}", at)
            self.outbox = self.outbox.changed(failed)

    def _is_overtaken(self, message: AlarmMessage) -> bool:
        """Return whether the end of its incident is on the way to its receiver as well."""
        return any(
            each.receiver == message.receiver
            and each.key != message.key
            and each.content["kind"] in _ENDS
            and each.content["incident"] == message.content["incident"] is not None
            for each in self.outbox.messages
        )

    def _drop(self, messages: list[AlarmMessage]) -> None:
        self.outbox = Outbox(tuple(each for each in self.outbox.messages if each not in messages))

    def _waiting(self, receiver: str) -> list[AlarmMessage]:
        return [each for each in self._all_waiting() if each.receiver == receiver]

    def _all_waiting(self) -> list[AlarmMessage]:
        return [each for each in self.outbox.messages if each.state is MessageState.WAITING]


def _after(message: AlarmMessage, result: AttemptResult, at: float) -> tuple[AlarmMessage, bool]:
    """Return a message after an attempt, and whether it was refused for the first time."""
    if not result.reason:
        return message.delivered(), False
    failed = message.failed(result.reason, at)
    if result.wait_s:
        # A receiver that is asked too often says when it wants to be asked again.
        failed = replace(failed, due_at=max(failed.due_at, at + min(result.wait_s, 3600.0)))
    if result.perhaps:
        failed = replace(failed, content={**message.content, "repeated": True})
    if result.left:
        failed = replace(failed, content={**failed.content, "left": list(result.left)})
    return failed, result.refused and message.attempts == 1


def _given_up(message: AlarmMessage, why: str) -> AlarmMessage:
    reason = "; ".join(filter(None, (why, message.reason)))
    return replace(message, state=MessageState.UNDELIVERABLE, reason=reason)


def _attempt(message: AlarmMessage) -> str:
    return f"{message.key}.{message.receiver}"
