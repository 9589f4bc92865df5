"""What came of it: as text for people and as JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.counting.judge import Verdict


@dataclass(frozen=True, slots=True)
class Report:
    """All of it.

    Attributes
    ----------
    seed : int
        What decided.
    took_s, settled_s : float
        For how long things went wrong [s], and how long after that nothing was
        missing any more [s].
    happened : mapping of str to int
        How often what happened.
    agent_lives : int
        How many processes of agents have published.
    longest_lag_s, longest_incomplete_s, peak_bytes
        See `benchmarks.counting.watch.Watch`.
    verdict : Verdict
        What was recorded.
    files, files_bytes : int
        How many there are, and how large.
    violations : sequence of str
        All that must not be.
    """

    seed: int
    took_s: float
    settled_s: float | None
    happened: Mapping[str, int]
    agent_lives: int
    longest_lag_s: float
    longest_incomplete_s: float
    peak_bytes: int
    verdict: Verdict
    files: int
    files_bytes: int
    violations: Sequence[str]

    def as_json(self) -> dict[str, Any]:
        """Return it as an object of JSON."""
        return asdict(self)

    def text(self) -> str:
        """Return it for people."""
        found = self.verdict
        settled = "never" if self.settled_s is None else f"after {self.settled_s:.1f} s"
        lines = [
            f"seed {self.seed}, {self.took_s / 60:.1f} minutes, {len(self.violations)} violations",
            "",
            *(f"{name:<40}{count:>6}" for name, count in sorted(self.happened.items())),
            "",
            f"samples published      {found.published:>12,}  in {self.agent_lives} lives of agents",
            f"samples recorded       {found.recorded:>12,}  in {self.files} files, "
            f"{self.files_bytes / 1e6:.1f} MB",
            f"duplicate, changed     {found.duplicate:>12,}, {found.changed:,}",
            f"missing without a hole {found.missing:>12,}",
            f"in recorded holes      {found.in_holes:>12,}  in {len(found.holes)} holes "
            f"(of other feeds: {len(found.other_holes)} holes)",
            f"all there {settled}; longest time with something missing "
            f"{self.longest_incomplete_s:.1f} s, longest lag {self.longest_lag_s:.1f} s",
            f"peak memory of the aggregator: {self.peak_bytes / 1e6:.0f} MB",
        ]
        lines += [f"hole: {each}" for each in found.holes]
        lines += [f"VIOLATED: {each}" for each in self.violations]
        return "\n".join(lines)
