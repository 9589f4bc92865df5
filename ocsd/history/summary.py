"""What an instance went through, from the journal's entries."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from ocsd.supervisor.events import State, Target


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of the journal: something happened to an instance, or to the daemon.

    Attributes
    ----------
    at : float
        When [s, Unix time].
    name : str
        The instance-id; ``ocsd`` for the daemon.
    event : str
        What happened, e.g. ``Exited``.
    before, after : str
        The states around it; equal if it changed no state.
    target : str
        What was wanted.
    reason : str
        Why, in words.
    pid : int or None
        The process it concerned.
    code, signal : int or None
        How that process ended, if it did.
    by : str
        Who asked for it; empty if nobody did.
    """

    at: float
    name: str
    event: str
    before: str = ""
    after: str = ""
    target: str = ""
    reason: str = ""
    pid: int | None = None
    code: int | None = None
    signal: int | None = None
    by: str = ""


@dataclass(frozen=True, slots=True)
class Summary:
    """How one instance did over a time.

    Attributes
    ----------
    wanted_s, up_s : float
        For how long it was wanted, and up meanwhile [s].
    ends : int
        How often it ended although it was wanted.
    restarts : int
        How often it was started again, asked or not.
    last_end : Entry or None
        Its last unexpected end.
    """

    wanted_s: float
    up_s: float
    ends: int
    restarts: int
    last_end: HistoryEntry | None

    @property
    def availability(self) -> float | None:
        """The part of the wanted time in which it was up, 0 to 1; None if never wanted."""
        return self.up_s / self.wanted_s if self.wanted_s > 0 else None


def summaries(entries: Iterable[HistoryEntry], from_at: float, to_at: float) -> dict[str, Summary]:
    """Return how each instance did.

    Parameters
    ----------
    entries : iterable of Entry
        In the order of time. Those before `from_at` tell the state at that time.
    from_at, to_at : float
        The time to look at [s, Unix time].

    Returns
    -------
    dict of str to Summary
        By instance-id. While no daemon ran, an instance counts as what it was
        when the last one went.
    """
    by_name: dict[str, list[HistoryEntry]] = {}
    for entry in entries:
        # An end while no daemon ran has no state.
        if (entry.after or entry.event == "Exited") and entry.at <= to_at:
            by_name.setdefault(entry.name, []).append(entry)
    return {
        name: _summary(its, from_at, to_at)
        for name, its in by_name.items()
        if any(entry.after for entry in its)
    }


def _summary(everything: list[HistoryEntry], from_at: float, to_at: float) -> Summary:
    ends = [entry for entry in _unasked_ends(everything) if entry.at >= from_at]
    entries = [entry for entry in everything if entry.after]
    wanted_s = up_s = 0.0
    for entry, following in zip_longest(entries, entries[1:]):
        end_at = following.at if following else to_at
        span_s = max(0.0, end_at - max(entry.at, from_at))
        if entry.target == Target.UP:
            wanted_s += span_s
            up_s += span_s if entry.after == State.UP else 0.0
    lately = [entry for entry in entries if entry.at >= from_at]
    starts = [entry for entry in lately if entry.after == State.STARTING != entry.before]
    first = [entry for entry in starts if entry is entries[0] or entry.event == "Adopted"]
    return Summary(wanted_s, up_s, len(ends), len(starts) - len(first), ends[-1] if ends else None)


def _unasked_ends(entries: list[HistoryEntry]) -> Iterator[HistoryEntry]:
    """Yield where it ended, or had to be ended, although it was wanted."""
    target = ""
    for entry in entries:
        target = entry.target if entry.after else target
        crashed = entry.event == "Exited" and entry.before != State.STOPPING
        hung = entry.event == "BecameHung" and entry.after == State.STOPPING
        if (crashed or hung) and target == Target.UP:
            yield entry
