"""Feeds: named streams of messages from an agent to its subscribers."""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import islice
from math import inf
from typing import Any

from ocsd.agent.feeds import message as rules
from ocsd.agent.feeds.block import Block
from ocsd.agent.feeds.field_checks import FieldChecks
from ocsd.agent.feeds.freshness import COUNTED_S, Freshness
from ocsd.agent.feeds.losses import Losses
from ocsd.agent.feeds.names import feed_name_fault
from ocsd.agent.feeds.patterns import Patterns
from ocsd.agent.feeds.settings import checked_settings
from ocsd.agent.feeds.size import PART_BYTES, parts_of
from ocsd.agent.feeds.units import LABELS, UNITS, Unpublished, declared
from ocsd.agent.operations.session import OpSession
from ocsd.agent.operations.thread_deaths import present_session
from ocsd.agent.spool.limits import limits_of
from ocsd.agent.spool.segment import packed, unpacked
from ocsd.agent.spool.spool import Spool
from ocsd.bus.encoding import shown
from ocsd.bus.wamp import Disconnected, PayloadExceededError, SerializationError, TransportLost
from ocsd.reactor.threads import in_reactor_context, the_reactor

# Delay of the backlog after joining [s]: subscribers have lost the router as well, and need
# time to come back.
BACKLOG_DELAY_S = 2.0
# Number of kept messages that are sent in one turn of the reactor.
BACKLOG_STEP = 50


class Feed(FieldChecks):
    """A named stream of messages.

    Each message carries its number within (feed, life of the agent), from 0, so that a
    receiver sees when one is missing. While the agent is not connected, messages are kept
    and sent after it has joined again. Messages of a recorded feed are always kept for
    some time, and written to disk before they are sent, so that the aggregator can ask for
    those that it has missed.

    Parameters
    ----------
    agent : OCSAgent
        The agent that publishes.
    feed_name : str
        Name of the feed.
    record : bool
        Whether the messages are samples that the aggregator writes to disk.
    agg_params : dict, optional
        Settings of the aggregator: ``frame_length`` [s], ``fresh_time`` [s],
        ``exclude_aggregator``, ``exclude_influx``; and of what the agent keeps:
        ``spool_time`` [s], ``spool_size`` (bytes, or text like ``64M``).
    buffer_time : float
        Time for which samples of a recorded feed are collected before they are sent
        [s]; 0 sends at once.
    max_messages : int
        Accepted for the sake of old agents; has no effect.
    units, labels : mapping of str to str, optional
        The unit of a field, e.g. ``{"channel_00": "K"}``, and its name for people.
    keep : bool
        Whether messages are kept while the agent is not connected.
    more_info : callable, optional
        Returns additions to the description that goes with each message.
    monotonic, unix_time : callable
        Return the monotonic time and the Unix time [s].

    Attributes
    ----------
    next_number : int
        The number that the next message will have.
    sampled_at_s : float
        When the latest sample of a recorded feed was published [s, monotonic]; -inf before.
    losses : Losses
        The messages that could be neither sent nor kept.

    Raises
    ------
    ValueError, TypeError
        If a unit or a label breaks a rule (`ocsd.agent.feeds.units`).
    """

    def __init__(
        self,
        agent: Any,
        feed_name: str,
        record: bool = False,
        agg_params: Mapping[str, Any] | None = None,
        buffer_time: float = 0,
        max_messages: int = 0,
        *,
        units: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        keep: bool = True,
        more_info: Callable[[], dict[str, Any]] = dict,
        monotonic: Callable[[], float] = time.monotonic,
        unix_time: Callable[[], float] = time.time,
    ) -> None:
        self.agent = agent
        self.feed_name = feed_name
        self.record = record
        # They go with every message, so values that cannot be sent are replaced.
        self.agg_params = checked_settings(agg_params or {}, self._complain)
        self.units = declared(feed_name, UNITS, units)
        self.labels = declared(feed_name, LABELS, labels)
        self._unpublished = Unpublished(self.units, self.labels)
        self._patterns = Patterns()
        self.buffer_time = buffer_time
        self.max_messages = max_messages
        self.agent_address = agent.agent_address
        self.address = f"{self.agent_address}.feeds.{feed_name}"
        self.blocks: dict[str, Block] = {}
        self.next_number = 0
        self.sampled_at_s = -inf
        self.refusal: str | None = None
        self.freshness = Freshness()
        self.losses = Losses()
        if fault := feed_name_fault(feed_name, self.address):
            self.refuse(f"feed name {shown(feed_name)} {fault}")
        self._keep = keep
        self._more_info = more_info
        self._monotonic = monotonic
        self._unix_time = unix_time
        self._flush_timer: Any = None
        self._backlog_timer: Any = None
        self._unsent: int | None = None  # The first message that could not be sent yet.
        self._finished = False
        self._gathered_bytes = 0  # Estimated size of the collected samples.
        limits = limits_of(self.agg_params, self._complain)
        # Whether messages are kept even if they could be sent.
        self.is_spooled = record and not self.agg_params.get("exclude_aggregator")
        self.spool = Spool(None, limits, monotonic)
        if self.is_spooled:
            self.spool = agent.spools.spool(feed_name, limits, monotonic)
        # Several messages have to fit into a small spool.
        self._part_bytes = min(PART_BYTES, limits.max_bytes // 4)

    @property
    def options(self) -> dict[str, Any]:
        """Options in which feeds of one name must not differ."""
        options = ("record", "agg_params", "buffer_time", UNITS, LABELS)
        return {option: getattr(self, option) for option in options}

    def refuse(self, why: str) -> None:
        """Publish nothing from now on: `publish_message` raises `why`."""
        self.refusal = why
        self.agent.log.error("{why}", why=why)

    def encoded(self) -> dict[str, Any]:
        """Return the feed's description, as it goes with every message."""
        about_fields = {UNITS: self.units, LABELS: self.labels}
        return {
            "agent_address": self.agent_address,
            "agg_params": self.agg_params,
            "feed_name": self.feed_name,
            "address": self.address,
            "record": self.record,
            "session_id": self.agent.agent_session_id,
            "agent_class": self.agent.class_name,
            **{key: texts for key, texts in about_fields.items() if texts},
        }

    def publish_message(self, message: Any, timestamp: float | None = None) -> None:
        """Publish a message; from any thread.

        Parameters
        ----------
        message
            For a recorded feed one sample ``{block_name, timestamp, data: {field:
            value}}`` or many ``{block_name, timestamps: [...], data: {field:
            [...]}}``; for any other feed anything that can be serialised.
        timestamp : float, optional
            Accepted for the sake of old agents; has no effect.

        Raises
        ------
        ValueError, TypeError
            If the message or the feed itself breaks a rule; nothing of it is published.
        """
        if self.refusal:
            raise ValueError(self.refusal)
        if self.record:
            self._publish_samples(message)
        else:
            self._in_reactor(self._send, rules.checked_free(self.feed_name, message))

    def flush_buffer(self) -> None:
        """Send the collected samples now; from any thread."""
        self._in_reactor(self._flush)

    def send_backlog(self) -> None:
        """Send soon the messages kept while the agent was not connected (reactor thread)."""
        if self._unsent is not None and self._backlog_timer is None:
            first = max(self._unsent, self.spool.first)
            self.agent.log.info(
                "feed {feed}: {count} messages were kept while not connected, {dropped} dropped",
                feed=self.feed_name,
                count=self.next_number - first,
                dropped=first - self._unsent,
            )
            self._backlog_timer = the_reactor().callLater(BACKLOG_DELAY_S, self._backlog_step)

    def finish(self) -> None:
        """Send everything now, because the agent is about to end (reactor thread)."""
        self._finished = True
        self._flush()
        if self._backlog_timer is not None:
            self._backlog_timer.cancel()
        with suppress(OSError):  # the aggregator asks for those that are left
            while self._unsent is not None and self._publish_unsent():
                pass
        self.spool.close()

    def complaint(self) -> str:
        """Return a complaint if a recorded feed that should go on is silent, else nothing."""
        return self.freshness.complaint(self._monotonic())

    def loss(self) -> str:
        """Return a complaint if a message was lost lately, else nothing."""
        complaint = self.losses.complaint(self._monotonic())
        return complaint and f"feed {self.feed_name} {complaint}"

    def _publish_samples(self, message: Any) -> None:
        now_at = self._unix_time()
        is_sent_alone = self.is_spooled and self.buffer_time <= 0
        body = self._patterns.packed(message, now_at) if is_sent_alone else None
        if body is not None and len(body) <= self._part_bytes:
            self._count_samples(message["data"])
            self._in_reactor(self._send_packed, body)
            return
        sample = rules.checked_sample(self.feed_name, message, now_at)
        parts = parts_of(f"feed {self.feed_name!r}", sample, self._part_bytes)
        if is_sent_alone:
            self._patterns.learn(sample)
        self._count_samples(sample["data"])
        self._in_reactor(self._collect_all, parts)

    def _count_samples(self, fields: Iterable[str]) -> None:
        now_s = self.sampled_at_s = self._monotonic()
        missing = self._unpublished.fields and self._unpublished.see(fields, now_s)
        if missing:
            self.agent.log.warn("feed {feed!r}: {what}", feed=self.feed_name, what=missing)
        if now_s - self.freshness.counted_at_s >= COUNTED_S:
            self.freshness.count(now_s, self._owners())

    def _owners(self) -> list[OpSession]:
        """Return the runs of process operations that may publish at this moment."""
        processes: list[OpSession] = self.agent.operations.active_processes()
        publisher = present_session()
        if publisher is None:
            return processes
        return [run for run in processes if run is publisher]

    def _complain(self, what: str) -> None:
        self.agent.log.warn("feed {feed}: agg_params: {what}", feed=self.feed_name, what=what)

    def _in_reactor(self, function: Callable[..., None], *args: Any) -> None:
        if in_reactor_context():
            function(*args)
        else:
            the_reactor().callFromThread(function, *args)

    def _collect_all(self, parts: list[tuple[dict[str, Any], int]]) -> None:
        for sample, size_bytes in parts:
            if self._gathered_bytes + size_bytes > self._part_bytes:
                self._flush()
            self._gathered_bytes += size_bytes
            self._collect(sample)

    def _collect(self, sample: dict[str, Any]) -> None:
        block = self.blocks.get(sample["block_name"])
        if block is not None and not block.takes(sample["data"]):
            # An agent may change its fields and their types, but not within a block.
            self._flush()
            block = None
        if block is None:
            block = self.blocks[sample["block_name"]] = Block(sample["block_name"], sample["data"])
        block.extend(sample)
        if self.buffer_time <= 0 or self._finished:
            self._flush()
        elif self._flush_timer is None:
            self._flush_timer = the_reactor().callLater(self.buffer_time, self._flush)

    def _flush(self) -> None:
        timer, self._flush_timer = self._flush_timer, None
        if timer is not None and timer.active():
            timer.cancel()
        full = [block for block in self.blocks.values() if not block.empty()]
        message = {block.name: block.encoded() for block in full}
        # The blocks as well as their samples: an author may use ever new names of blocks.
        self.blocks.clear()
        self._gathered_bytes = 0
        if message:
            self._send(message)

    def _send_packed(self, body: bytes) -> None:
        """Send a message of its own, as the spool keeps it."""
        if self.blocks:
            self._flush()
        self._send(None, body)

    def _send(self, message: Any, body: bytes | None = None) -> None:
        """Send a message; that of a spooled feed may be given as the spool keeps it."""
        number, info = self.next_number, self.encoded() | self.agent.spools.stamp(self)
        self.next_number += 1
        # Before it is published, so that a message that others have seen can be recorded.
        kept = self.is_spooled and self._put_aside(number, message, info, body)
        if kept and self.agent.spools.is_unheard(self.address):
            self._unsent = None
        elif body is None:
            self._publish_or_keep(number, message, info, kept)
        else:
            self._publish_or_keep(number, unpacked(body), info, kept)

    def _publish_or_keep(self, number: int, message: Any, info: dict[str, Any], kept: bool) -> None:
        numbered = [message, {**info, **self._more_info(), "seq": number}]
        if self._unsent is None and (self._published(numbered) or not self._keep):
            return
        if not self.is_spooled:
            kept = self._put_aside(number, message, info)
        if kept and self._unsent is None:
            self._unsent = number

    def _published(self, numbered: list[Any]) -> bool:
        """Publish a message; return False if it has to be sent again later."""
        try:
            self.agent.publish(self.address, numbered)
        except (TransportLost, Disconnected):
            return False
        except SerializationError as error:
            self._lose(numbered[1]["seq"], f"it cannot be encoded: {error}")
        except PayloadExceededError as error:
            self._lose(numbered[1]["seq"], f"it is too large: {error}")
        return True

    def _lose(self, number: int, cause: str) -> None:
        self.losses.add(number, cause, self._monotonic())
        text = "feed {feed}: message {seq} is lost: {cause}"
        self.agent.log.error(text, feed=self.feed_name, seq=number, cause=cause)

    def _put_aside(
        self, number: int, message: Any, info: dict[str, Any], body: bytes | None = None
    ) -> bool:
        """Keep a message; return whether that was possible."""
        try:
            self.spool.put_packed(number, packed(message) if body is None else body, info)
        except (ValueError, TypeError) as error:
            self._lose(number, f"it cannot be kept: {error}")
            return False
        return True

    def _backlog_step(self) -> None:
        self._backlog_timer = None
        delay_s = 0.0
        try:
            # If the router goes away, the next connection begins here again.
            goes_on = self._publish_unsent()
        except OSError:  # a lack of descriptors, which may pass
            goes_on, delay_s = True, BACKLOG_DELAY_S
        if goes_on and self._unsent is not None:
            self._backlog_timer = the_reactor().callLater(delay_s, self._backlog_step)

    def _publish_unsent(self) -> bool:
        """Publish one batch of the backlog; return False if publishing has to pause.

        Raises
        ------
        OSError
            If the backlog cannot be read now.
        """
        if self._unsent is None:
            return True
        batch = list(islice(self.spool.messages(self._unsent), BACKLOG_STEP))
        for message in batch:
            if not self._published(message.pair()):
                return False
            self._unsent = message.number + 1
        if not batch or self._unsent == self.next_number:
            self._unsent = None
            if not self.is_spooled:
                self.spool.clear()
        return True
