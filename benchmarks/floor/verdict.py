"""The table of the floor: each goal beside what the libraries take by themselves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.measure import OF_AGENTS, OF_ROUTER, Figures

BARE = ("websocket", "unix")
"""The sides of the bare libraries."""


@dataclass(frozen=True, slots=True)
class FloorRow:
    """One line: what is measured, and what the project's issue asks of it."""

    what: str
    value: Callable[[Figures], float]
    show: Callable[[float], str]
    part: int | None = None
    """The goal is OCS's figure divided by this."""
    limit: float | None = None
    """The goal, in the unit of the figure, where it does not depend on OCS's."""

    def goal(self, figures: Mapping[str, Figures]) -> float | None:
        """Return the goal; None if there is none, or OCS was not measured."""
        if self.part is not None and "ocs" in figures:
            return self.value(figures["ocs"]) / self.part
        return self.limit

    def floor(self, figures: Mapping[str, Figures]) -> float | None:
        """Return the least that the libraries take by themselves; None if not measured."""
        return min((self.value(figures[side]) for side in BARE if side in figures), default=None)


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _megabytes(size_bytes: float) -> str:
    return f"{size_bytes / 1e6:.1f} MB"


def _ms_per_s(percent: float) -> str:
    return f"{percent * 10:.2f} ms/s"


def rows(agents: int, kills: int) -> list[FloorRow]:
    """Return the lines; 200 agents have a goal of their own.

    Parameters
    ----------
    agents : int
        How many agents were started.
    kills : int
        How many of them were killed.
    """
    many = agents >= 200
    return [
        FloorRow(
            f"{agents} agents, command to all `running`",
            lambda f: f.start_sessions_s,
            _time,
            part=None if many else 20,
            limit=4.0 if many else None,
        ),
        FloorRow("- CPU of an agent", lambda f: f.start_cpu_s[OF_AGENTS] / f.agents, _time),
        FloorRow("- CPU of its supervisor", _supervisors_start_s, _time),
        FloorRow("- CPU of the router", lambda f: f.start_cpu_s[OF_ROUTER], _time),
        FloorRow(
            f"kill -9 to `running`, median of {kills}", lambda f: f.kill_median_s, _time, part=150
        ),
        FloorRow("memory of an agent (PSS)", lambda f: f.agent_pss_bytes, _megabytes, part=5),
        FloorRow(
            "idle CPU of an agent and its share of the supervisor",
            lambda f: f.idle_cpu_percent,
            _ms_per_s,
            part=2,
        ),
        FloorRow("- of which the agent", lambda f: f.idle_parts_percent[OF_AGENTS], _ms_per_s),
        FloorRow("- the router's share", lambda f: f.idle_parts_percent[OF_ROUTER], _ms_per_s),
        FloorRow(
            "whole command: `status`, or for the libraries `python -c pass`",
            lambda f: sorted(f.status_s)[len(f.status_s) // 2],
            _time,
        ),
    ]


def _supervisors_start_s(figures: Figures) -> float:
    beside = (OF_AGENTS, OF_ROUTER)
    return sum(used_s for role, used_s in figures.start_cpu_s.items() if role not in beside)


def verdict(own: float | None, floor: float | None, goal: float | None) -> str:
    """Say whether a goal is reached, can be reached, or is beneath the floor.

    Parameters
    ----------
    own, floor, goal : float or None
        What ocsd takes, what the libraries take by themselves, and what is asked; less is better.
    """
    if goal is None:
        return ""
    if own is not None and own <= goal:
        return "kept"
    if floor is None:
        return "missed" if own is not None else ""
    if floor > goal:
        return f"**beneath the floor**, which is {floor / goal:.2g} times the goal"
    if own is None:
        return "above the floor"
    return f"**missed**, above the floor, which is {floor / goal:.2g} of the goal"


def markdown(figures: Mapping[str, Figures]) -> str:
    """Return the table.

    Parameters
    ----------
    figures : mapping of str to Figures
        By side: ``ocs``, ``ocsd``, and those of `BARE`.
    """
    some = next(iter(figures.values()), None)
    if some is None:
        return "nothing was measured"
    lines = [
        "| what | OCS | ocsd | bare, WebSocket | bare, Unix socket | ocsd / floor | goal | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join(lines + [_line(row, figures) for row in rows(some.agents, len(some.kill_s))])


def _line(row: FloorRow, figures: Mapping[str, Figures]) -> str:
    def shown(value: float | None) -> str:
        return "-" if value is None else row.show(value)

    values = {side: row.value(each) for side, each in figures.items()}
    own, floor, goal = values.get("ocsd"), row.floor(figures), row.goal(figures)
    times = f"{own / floor:.2f}" if own is not None and floor else "-"
    asked = "" if goal is None else f"≤ {row.show(goal)}"
    cells = [row.what, *(shown(values.get(side)) for side in ("ocs", "ocsd", *BARE)), times]
    return "| " + " | ".join([*cells, asked, verdict(own, floor, goal)]) + " |"
