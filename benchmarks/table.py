"""The figures as a markdown table, both sides and the ratio."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.measure import Figures

MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what it is, where it stands in the figures, what is asked."""

    what: str
    value: Callable[[Figures], float]
    show: Callable[[float], str]
    # What the architecture page asks: a part of OCS's figure, or a limit in seconds.
    part: int | None = None
    limit_s: float | None = None


def _seconds(value: float) -> str:
    return f"{value:.2f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def _megabytes(value: float) -> str:
    return f"{value / MEGABYTE:.1f} MB"


def _percent(value: float) -> str:
    return f"{value:.2f} %"


def _supervised_pss(figures: Figures) -> float:
    return figures.agent_pss_bytes + sum(figures.supervisor_pss_bytes.values()) / figures.agents


def rows(agents: int, restarts: int) -> list[Row]:
    """Return the table's lines."""
    return [
        Row(
            f"{agents} agents, command to all `running`",
            lambda f: f.start_sessions_s,
            _seconds,
            part=20,
        ),
        Row(
            "the same, seen in heartbeats (one a second)",
            lambda f: f.start_s,
            _seconds,
        ),
        Row(
            f"kill -9 to `running`, median of {restarts}",
            lambda f: f.kill_median_s,
            _seconds,
            part=40,
        ),
        Row(f"kill -9 to `running`, worst of {restarts}", lambda f: max(f.kill_s), _seconds),
        Row(
            f"restart command to `running`, median of {restarts}",
            lambda f: f.restart_median_s,
            _seconds,
        ),
        Row("memory per agent (PSS)", lambda f: f.agent_pss_bytes, _megabytes, part=5),
        Row("memory per agent, supervisor shared out", _supervised_pss, _megabytes),
        Row(
            "CPU per agent and share of the supervisor, idle",
            lambda f: f.idle_cpu_percent,
            _percent,
        ),
        Row(
            "CPU per agent and share of the supervisor, acquiring",
            lambda f: f.acquiring_cpu_percent,
            _percent,
        ),
        Row("stop all, command to last agent gone", lambda f: f.stop_s, _seconds, part=8),
        Row(
            "status command, whole process",
            lambda f: statistics.median(f.status_s),
            _seconds,
            limit_s=0.2,
        ),
    ]


def markdown(ocs: Figures | None, ocsd: Figures | None) -> str:
    """Return the table.

    Parameters
    ----------
    ocs, ocsd : Figures or None
        What was measured; None is shown as a dash.
    """
    some = ocs or ocsd
    if some is None:
        return "nothing was measured"
    head = f"| what | {ocs.name if ocs else 'OCS'} | {ocsd.name if ocsd else 'ocsd'} |"
    lines = [f"{head} ratio | budget |", "|---|---|---|---|---|"]
    lines += [_line(row, ocs, ocsd) for row in rows(some.agents, len(some.kill_s))]
    lines += [""]
    lines += [_apart(figures) for figures in (ocs, ocsd) if figures]
    return "\n".join(lines)


def _line(row: Row, ocs: Figures | None, ocsd: Figures | None) -> str:
    shown = [row.show(row.value(figures)) if figures else "-" for figures in (ocs, ocsd)]
    ratio = row.value(ocs) / row.value(ocsd) if ocs and ocsd and row.value(ocsd) else None
    cells = [row.what, *shown, _fraction(ratio), _budget(row, ratio, ocsd)]
    return "| " + " | ".join(cells) + " |"


def _fraction(ratio: float | None) -> str:
    """Write how much smaller ocsd's figure is, in the words of the budgets."""
    if ratio is None:
        return "-"
    return f"1/{ratio:.3g}" if ratio >= 1 else f"{1 / ratio:.3g}"


def _budget(row: Row, ratio: float | None, ocsd: Figures | None) -> str:
    if row.part is not None:
        verdict = None if ratio is None else ratio >= row.part
        return f"≤ 1/{row.part}{_verdict(verdict)}"
    if row.limit_s is not None:
        verdict = None if ocsd is None else row.value(ocsd) <= row.limit_s
        return f"≤ {_seconds(row.limit_s)}{_verdict(verdict)}"
    return ""


def _verdict(kept: bool | None) -> str:
    return {None: "", True: " kept", False: " **missed**"}[kept]


def _apart(figures: Figures) -> str:
    """Say what each process beside the agents takes, and who kept running."""
    parts = figures.supervisor_pss_bytes | figures.service_pss_bytes
    memory = ", ".join(f"{role} {_megabytes(size)}" for role, size in parts.items())
    kept = "kept" if figures.others_kept_their_pids else "did NOT keep"
    return f"- {figures.name}: {memory}; agents that were left alone {kept} their pids."
