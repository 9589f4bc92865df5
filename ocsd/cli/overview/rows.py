"""The rows of the table of instances: their cells, and the columns that fit a terminal."""

from collections.abc import Container, Sequence
from typing import Final, NamedTuple

from ocsd.cli.screen.table import Cell
from ocsd.cli.screen.terminal import Terminal
from ocsd.status.headlines import operation_text
from ocsd.status.reasons import reason_line, text
from ocsd.status.replies import InstanceStatus
from ocsd.text import units

NONE: Final = "-"
TITLES: Final = (
    "INSTANCE",
    "CLASS",
    "STATE",
    "TARGET",
    "HEALTH",
    "PID",
    "UPTIME",
    "RESTARTS",
    "CPU%",
    "MEMORY",
    "SAMPLE",
    "OPERATIONS",
    "REASON",
)
NUMBERS: Final = ("PID", "UPTIME", "RESTARTS", "CPU%", "MEMORY", "SAMPLE")
DROPPED: Final = (
    "PID",
    "CLASS",
    "CPU%",
    "MEMORY",
    "TARGET",
    "RESTARTS",
    "UPTIME",
    "SAMPLE",
    "HEALTH",
    "OPERATIONS",
)
"""Columns in the order in which they are left out where there is no room for them."""

_GAP_COLUMNS: Final = 2


class Row(NamedTuple):
    """One instance in the table."""

    cells: dict[str, Cell]
    """Its cells by title, but that of the reason."""
    reason: str
    """The reason for its state or health, and the next try."""


def row(instance: InstanceStatus, screen: Terminal) -> Row:
    """Return the row of an instance."""
    state = instance.state
    if screen.interactive:
        # A symbol helps the eye, and would disturb a program.
        state = f"{screen.symbol(state)} {state}"
    cells = {
        "INSTANCE": Cell(instance.instance_id),
        "CLASS": Cell(instance.agent_class),
        "STATE": Cell(state, instance.state),
        "TARGET": Cell(instance.target),
        "HEALTH": Cell(instance.health or NONE, instance.health or ""),
        "PID": Cell(text(instance.pid, str) or NONE),
        "UPTIME": Cell(uptime(instance) or NONE),
        "RESTARTS": Cell(str(instance.restarts)),
        "CPU%": Cell(text(instance.cpu_percent, "{:.1f}".format) or NONE),
        "MEMORY": Cell(text(instance.rss_bytes, units.memory) or NONE),
        "SAMPLE": Cell(text(instance.sample_age_s, units.duration) or NONE),
        "OPERATIONS": _operations(instance, screen),
    }
    return Row(cells, reason_line(instance))


def _operations(instance: InstanceStatus, screen: Terminal) -> Cell:
    shown = [each for each in instance.operations if each.in_flight or each.is_over]
    if not shown:
        return Cell(NONE)
    words = ", ".join(operation_text(each) for each in shown)
    if screen.interactive:
        # The line above the table has times and reasons.
        words = ", ".join(f"{each.name} {each.state}" for each in shown)
    return Cell(words, "degraded" if instance.lacks else "")


def uptime(instance: InstanceStatus) -> str:
    """Return how long the process of an instance has run; nothing without one."""
    if instance.pid is None:
        return ""
    return text(instance.uptime_s, units.duration)


def fitting(rows: Sequence[Row], width_columns: int) -> tuple[str, ...]:
    """Return the titles of the columns that fit, the reason among them if it fits as a whole."""
    titles = _without(TITLES, _empty(rows))
    for title in ("", *DROPPED):
        titles = _without(titles, {title})
        if _used(rows, titles) <= width_columns:
            break
    longest_reason = max(len("REASON"), *(len(row.reason) for row in rows))
    if _used(rows, titles) + _GAP_COLUMNS + longest_reason > width_columns:
        titles = _without(titles, {"REASON"})
    return titles


def _without(titles: Sequence[str], dropped: Container[str]) -> tuple[str, ...]:
    return tuple(title for title in titles if title not in dropped)


def _used(rows: Sequence[Row], titles: Sequence[str]) -> int:
    """Return the width of columns but that of the reason, with the gaps between them."""
    widths = [_width(rows, each) for each in _without(titles, {"REASON"})]
    return sum(widths) + _GAP_COLUMNS * (len(widths) - 1)


def _empty(rows: Sequence[Row]) -> set[str]:
    """Return the columns that tell nothing: of all these rows, or beside another column."""
    empty = set()
    for title in ("SAMPLE", "OPERATIONS"):
        if all(row.cells[title].text == NONE for row in rows):
            empty.add(title)
    if not any(row.reason for row in rows):
        empty.add("REASON")
    return empty


def _width(rows: Sequence[Row], title: str) -> int:
    return max(len(title), *(len(row.cells[title].text) for row in rows))
