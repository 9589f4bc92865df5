"""Joins silences of feeds with the history of the host: who stopped the sender, when. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from ocsd.data.gaps import EVERY_FEED, Gap, GapKind
from ocsd.history.summary import HistoryEntry
from ocsd.supervisor.states import State
from ocsd.text.plural import plural
from ocsd.text.times import utc

# An instance is stopped at most this long after the last sample before the silence [s].
_AFTER_S: Final = 30.0
_BEFORE_S: Final = 2.0


def explained(gaps: Iterable[Gap], history: Sequence[HistoryEntry]) -> list[Gap]:
    """Return gaps with what the history says about the beginning of each silence."""
    ends = [entry for entry in history if entry.before == State.UP != entry.after and entry.after]
    return [_explained(gap, ends) for gap in gaps]


def _explained(gap: Gap, ends: Iterable[HistoryEntry]) -> Gap:
    if gap.kind is not GapKind.SILENCE:
        return gap
    begin, end = gap.from_at - _BEFORE_S, min(gap.until_at, gap.from_at + _AFTER_S)
    sender = instance_of(gap.feed)
    then = [
        entry
        for entry in ends
        if begin <= entry.at <= end and (gap.feed == EVERY_FEED or entry.name == sender)
    ]
    if not then:
        return gap
    return replace(gap, cause=_words(then))


def instance_of(feed: str) -> str:
    """Return the instance-id of the agent of a feed."""
    return feed.partition(".feeds.")[0].rpartition(".")[2]


def _words(ends: Sequence[HistoryEntry]) -> str:
    """Return the ends in words, those with one reason together."""
    alike: dict[tuple[str, str], list[HistoryEntry]] = defaultdict(list)
    for entry in ends:
        alike[entry.reason or entry.event, entry.by].append(entry)
    parts = []
    for (reason, by), entries in alike.items():
        names = sorted({entry.name for entry in entries})
        who = names[0]
        if len(names) > 1:
            who = plural(len(names), "instance")
        asked = ""
        if by and by not in reason:
            asked = f", asked by {by}"
        parts.append(f"{who} left `up` at {utc(entries[0].at)}: {reason}{asked}")
    return "; ".join(parts)
