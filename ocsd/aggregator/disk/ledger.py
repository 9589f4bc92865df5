"""The ledger: the numbers of all feeds, holes and outages, over restarts.

The ledger in memory is always up to date. `ocsd.aggregator.disk.recovery` restores it from
its snapshot on the disk and the segments of the journal that are still there.
"""

import json
from collections import Counter, deque
from collections.abc import Callable
from typing import Any, Final

from ocsd.aggregator.frames.field_kinds import FieldKinds
from ocsd.aggregator.frames.source import Source
from ocsd.aggregator.incoming.moment import Instant
from ocsd.aggregator.numbers.hole import HOLES_FEED_NAME, Hole, finite, make_hole
from ocsd.aggregator.numbers.numbering import Numbering
from ocsd.aggregator.numbers.rhythm import Rhythm
from ocsd.aggregator.numbers.source_key import Pending, SourceKey
from ocsd.journal.format import Outage
from ocsd.journal.origin import Origin
from ocsd.supervisor.retention import KEPT_S, Confirmation

LEDGER_VERSION: Final = 1

# How long the numbers of an ended session are remembered, if none is missing [s]. Spools keep
# messages as long: a session that was forgotten must not be asked for again.
MEMORY_OF_SOURCE_S: Final = KEPT_S

# Bounds for hostile senders; holes and outages before these are in the files.
MOST_SOURCES: Final = 20_000
MOST_HOLES: Final = 10_000
MOST_OUTAGES: Final = 1000


class Ledger:
    """The numbers of all sources, the holes, the outages and types of fields of a data folder.

    Its recording began at the Unix time `recorded_since` [s]: sources that began later have
    to be complete from number 0.
    """

    def __init__(self, recorded_since: float) -> None:
        self.recorded_since = recorded_since
        self.sources: dict[tuple[SourceKey, bool], Source] = {}
        self.holes: deque[Hole] = deque(maxlen=MOST_HOLES)
        self.outages: deque[Outage] = deque(maxlen=MOST_OUTAGES)
        self.alive_at: float | None = None
        self.kinds = FieldKinds()
        self._rhythms: dict[str, Rhythm] = {}
        self._confirmation: Confirmation[tuple[SourceKey, bool]] = Confirmation()

    def source(self, key: SourceKey, numbered: bool, sender: str) -> Source:
        """Return a source, which is made if it is unknown."""
        source = self.sources.get((key, numbered))
        if source is None:
            began_at = began(key)
            complete = began_at is not None and began_at >= self.recorded_since
            numbering = Numbering(from_zero=complete or not numbered)
            source = self.sources[key, numbered] = Source(key, numbered, sender, numbering)
        return source

    def is_new(self, key: SourceKey, now_at: float) -> bool:
        """Return whether an unknown session was never recorded, rather than forgotten.

        Sessions that seem to have begun before the folder are never forgotten for their
        age; they are few, unless the clock of a host starts in the past.
        """
        return self._is_earlier(key) or (began(key) or 0.0) > now_at - MEMORY_OF_SOURCE_S

    def source_of(self, origin: Origin) -> Source:
        """Return the source of messages of this sender, which is made if it is unknown."""
        key = SourceKey(origin.address, origin.session_id)
        return self.source(key, origin.numbered, origin.sender)

    def pending(self) -> dict[SourceKey, Pending]:
        """Return which numbers of all numbered sources came in and which are missing."""
        return {
            key: Pending(
                sender=source.sender,
                next_number=source.numbering.end,
                missing=tuple(source.numbering.missing()),
                first_number=source.numbering.first,
                from_zero=source.numbering.from_zero,
            )
            for (key, numbered), source in self.sources.items()
            if numbered
        }

    def silence_before(self, address: str, at: float) -> tuple[float, float, str] | None:
        """Count a message of a feed without numbers, and return an unusual silence before it.

        Returns
        -------
        (float, float, str) or None
            Begin and end [Unix s] of a silence during an outage, in which messages were
            probably lost, and the cause of the outage.
        """
        rhythm = self._rhythms.get(address)
        if rhythm is None:
            if len(self._rhythms) < MOST_SOURCES:
                self._rhythms[address] = Rhythm(at)
            return None
        silent = rhythm.arrived(at)
        if silent is None:
            return None
        for outage in reversed(self.outages):
            if outage.began_at < silent[1] and outage.ended_at > silent[0]:
                return *silent, outage.cause
        return None

    def hole(self, source: Source, begin: int, end: int, cause: str, now_at: float) -> Hole:
        """Return the hole that missing numbers of a source become at a Unix time [s]."""
        before, after = source.numbering.around(begin, end)
        until_time = finite(after, default=now_at)
        from_time = finite(before, began(source.key), default=until_time)
        return make_hole(source.key, begin, end, from_time, until_time, cause)

    def add_hole(self, hole: Hole) -> None:
        """Add a hole."""
        self.holes.append(hole)
        source = self.sources.get((SourceKey(hole.feed, hole.agent_session), True))
        if source is not None and not hole.estimated:
            source.numbering.give_up(hole.first, hole.last + 1)

    def add_outage(self, outage: Outage) -> None:
        """Add an outage, unless it is there already."""
        if outage not in self.outages:
            self.outages.append(outage)

    def outages_of(self, key: SourceKey, first: int, last: int, now_at: float) -> list[Outage]:
        """Return the outages in which these numbers may have been missed until now [Unix s]."""
        source = self.sources.get((key, True))
        if source is None:
            return []
        before, after = source.numbering.around(first, last + 1)
        from_at = finite(before, began(key), default=0.0)
        until_at = finite(after, default=now_at)
        return [o for o in self.outages if o.began_at <= until_at and o.ended_at >= from_at]

    def by_feed(self, figure: Callable[[Numbering], int]) -> dict[str, int]:
        """Return a figure summed over the sessions of each numbered feed, where it is not 0."""
        counts: Counter[str] = Counter()
        for (key, numbered), source in self.sources.items():
            if numbered:
                counts[key.address] += figure(source.numbering)
        return {address: count for address, count in counts.items() if count}

    def forget_old(self, now: Instant) -> None:
        """Forget sessions that ended long ago and lack nothing.

        A session that was forgotten while the clock of this machine was wrong would be recorded
        again afterwards, so each has to be old for a day of the monotonic clock.

        The last session of a feed may go on at any time, so it is kept; for sessions from
        before the folder see `is_new`.
        """
        by_age = sorted(self.sources.items(), key=lambda item: item[1].received_at)
        newest = {key.address: source for (key, _), source in by_age}
        done = (
            place
            for place, source in by_age
            if source is not newest[source.key.address] and self._is_done(source, now.at)
        )
        for place in self._confirmation.of(done, now.mono_s):
            del self.sources[place]
        surplus = max(len(self.sources) - MOST_SOURCES, 0)
        for place in [place for place, _ in by_age if place in self.sources][:surplus]:
            if not self.sources[place].providers:
                del self.sources[place]

    def encoded(self) -> dict[str, Any]:
        """Return the part of session.data about numbers."""
        return {
            "recorded_since": self.recorded_since,
            "missing": self.by_feed(lambda numbering: numbering.missing_count),
            "lost": self.by_feed(lambda numbering: numbering.lost_count),
            "estimated_holes": dict(Counter(hole.feed for hole in self.holes if hole.estimated)),
            "duplicates": self.by_feed(lambda numbering: numbering.duplicates),
        }

    def snapshot(self, alive_at: float) -> bytes:
        """Return the snapshot."""
        return json.dumps(
            {
                "version": LEDGER_VERSION,
                "recorded_since": self.recorded_since,
                "alive_at": alive_at,
                "sources": [_source_json(source) for source in self.sources.values()],
                "rhythms": {k: [r.last_at, r.interval_s] for k, r in self._rhythms.items()},
                "holes": [hole.to_json() for hole in self.holes],
                "kinds": self.kinds.to_json(),
                "outages": [[o.began_at, o.ended_at, o.cause] for o in self.outages],
            }
        ).encode()

    @classmethod
    def decoded(cls, snapshot: bytes) -> "Ledger":
        """Return the ledger of a snapshot.

        Raises
        ------
        ValueError, LookupError, TypeError
            If it cannot be read.
        """
        stored = json.loads(snapshot)
        if stored["version"] != LEDGER_VERSION:
            raise ValueError(f"it has version {stored['version']!r}, not {LEDGER_VERSION}")
        ledger = cls(stored["recorded_since"])
        ledger.alive_at = stored["alive_at"]
        for entry in stored["sources"]:
            key = SourceKey(entry["address"], entry["session_id"])
            numbering = Numbering.from_json(entry["sequence"])
            source = Source(key, entry["numbered"], entry["sender"], numbering)
            source.received_at = entry["heard_at"]
            ledger.sources[key, source.numbered] = source
        ledger._rhythms = {k: Rhythm(*values) for k, values in stored["rhythms"].items()}
        ledger.holes.extend(Hole.from_json(hole) for hole in stored["holes"])
        ledger.kinds = FieldKinds.from_json(stored.get("kinds", {}))  # none before 2026-11-29
        ledger.outages.extend(Outage(*outage) for outage in stored["outages"])
        return ledger

    def _is_earlier(self, key: SourceKey) -> bool:
        began_at = began(key)
        return began_at is not None and began_at < self.recorded_since

    def _is_done(self, source: Source, now_at: float) -> bool:
        return (
            now_at - source.received_at > MEMORY_OF_SOURCE_S
            and not self._is_earlier(source.key)
            and not (source.providers or source.numbering.missing())
        )


def origin_of_holes(address: str, session_id: str) -> Origin:
    """Return the aggregator of that address as the sender of holes."""
    return Origin(f"{address}.feeds.{HOLES_FEED_NAME}", session_id, address, numbered=False)


def began(key: SourceKey) -> float | None:
    """Return the Unix time [s] at which a session began, if its id says so."""
    try:
        return float(key.session_id)
    except ValueError:
        return None


def _source_json(source: Source) -> dict[str, Any]:
    return {
        "address": source.key.address,
        "session_id": source.key.session_id,
        "numbered": source.numbered,
        "sender": source.sender,
        "heard_at": source.received_at,
        "sequence": source.numbering.to_json(),
    }
