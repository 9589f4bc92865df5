"""What a soak found: as text for people and as JSON."""

import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.soaking.watch import Violation
from ocsd.history.summary import HistoryEntry

FREE, FIRST_S, LONGEST_S, JITTER = 3, 0.5, 60.0, 0.2
"""The restart policy as docs/run/operating.md has it."""

_TIMER_GRACE_S = 0.05
_ASKED = {"UpRequested", "RestartRequested", "Adopted", "BecameHung", "CauseCleared"}


@dataclass(frozen=True, slots=True)
class Recovery:
    """How a fault ended.

    Attributes
    ----------
    kind, target : str
        Which fault it was.
    at : float
        When it happened [s, Unix time].
    took_s : float or None
        How long the site needed, from the fault or from its end if it lasted [s];
        None if it did not recover in time.
    alone : bool
        Whether nothing else happened at the same time.
    """

    kind: str
    target: str
    at: float
    took_s: float | None
    alone: bool


@dataclass(frozen=True, slots=True)
class Report:
    """All of it."""

    seed: int
    agents: int
    took_s: float
    recoveries: tuple[Recovery, ...]
    violations: tuple[Violation, ...]
    restarts: dict[str, int]
    daemon_rss_bytes: tuple[int, int]
    journal_bytes: int

    def as_json(self) -> dict[str, Any]:
        """Return it as an object of JSON."""
        return {**asdict(self), "by_kind": self.by_kind()}

    def by_kind(self) -> dict[str, dict[str, float | int | None]]:
        """Return number of faults and times to recovery of each kind [s].

        Times are those of faults that happened alone.
        """
        found = {}
        for kind in sorted({each.kind for each in self.recoveries}):
            its = [each for each in self.recoveries if each.kind == kind]
            times = sorted(each.took_s for each in its if each.alone and each.took_s is not None)
            found[kind] = {
                "faults": len(its),
                "median_s": statistics.median(times) if times else None,
                "p95_s": times[min(len(times) - 1, int(0.95 * len(times)))] if times else None,
                "worst_s": times[-1] if times else None,
            }
        return found

    def text(self) -> str:
        """Return it for people."""
        start, end = self.daemon_rss_bytes
        lines = [
            f"seed {self.seed}, {self.agents} agents, {self.took_s / 60:.1f} minutes, "
            f"{len(self.recoveries)} faults, {len(self.violations)} violations",
            "",
            f"{'fault':<30}{'number':>7}{'median':>9}{'p95':>9}{'worst':>9}   to recovery [s]",
        ]
        for kind, row in self.by_kind().items():
            times = "".join(_seconds(row[key]) for key in ("median_s", "p95_s", "worst_s"))
            lines.append(f"{kind:<30}{row['faults']:>7}{times}")
        most = sorted(self.restarts.items(), key=lambda item: -item[1])[:5]
        lines += [
            "",
            f"starts after the first: {sum(self.restarts.values())} "
            f"(most: {', '.join(f'{name} {count}' for name, count in most)})",
            f"daemon: {start / 1e6:.1f} MB at the start, {end / 1e6:.1f} MB at the end; "
            f"journal: {self.journal_bytes / 1e3:.0f} kB",
        ]
        for each in self.violations:
            lines += ["", f"VIOLATED at {each.at:.1f} during {each.during}: {each.what}"]
            lines += [f"    {line}" for line in each.evidence]
        return "\n".join(lines)


def _seconds(value: float | None) -> str:
    return f"{'-' if value is None else f'{value:.2f}':>9}"


def is_start(entry: HistoryEntry) -> bool:
    """Whether an entry of the journal tells of a new process."""
    if entry.after != "starting" or entry.event == "Adopted":
        return False
    return entry.before != "starting" or entry.event == "Exited"


def starts(entries: Iterable[HistoryEntry]) -> dict[str, int]:
    """Return how often each instance was started."""
    found: dict[str, int] = {}
    for entry in filter(is_start, entries):
        found[entry.name] = found.get(entry.name, 0) + 1
    return found


def too_early(entries: Iterable[HistoryEntry], name: str) -> list[str]:
    """Return the restarts of an instance that came sooner than the policy allows.

    Parameters
    ----------
    entries : iterable of Entry
        The journal. What a new daemon or an incident begins anew is not counted.
    name : str
        An instance that never stays up for long.
    """
    found: list[str] = []
    ends = 0
    ended_at = 0.0
    for entry in entries:
        if entry.event in {"DaemonStarted", "IncidentBegan", "IncidentOver"}:
            ends = 0
        if entry.name != name:
            continue
        if entry.event in _ASKED:
            ends = ends if entry.event == "CauseCleared" else 0
        elif entry.event == "Exited":
            ends, ended_at = ends + 1, entry.at
        if is_start(entry) and entry.event in {"Exited", "TimerFired"} and ends > FREE:
            least_s = min(FIRST_S * 2 ** (ends - FREE - 1), LONGEST_S) * (1 - JITTER)
            if entry.at - ended_at < least_s - _TIMER_GRACE_S:
                waited_s = entry.at - ended_at
                found.append(f"{name} came back after {waited_s:.2f} s at its end number {ends}")
    return found
