"""The words of a message: the facts for programs, and a title and a text for people."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from ocsd.alarms.board import AlarmBoard
from ocsd.alarms.conditions import (
    RateCondition,
    SilenceCondition,
    ValueCondition,
    instance_of,
)
from ocsd.alarms.view import alarm_rows
from ocsd.evaluator.pages import AlarmPage, PageKind
from ocsd.text.printable import one_line
from ocsd.text.times import utc

_PLOT_BEFORE_S: Final = 1800.0
_PLOT_AFTER_S: Final = 300.0
"""The time that a plot shows around an alarm [s]."""

_HEADS: Final = {
    PageKind.WORSE: "worse",
    PageKind.REMINDER: "still raised",
    PageKind.CLEARED: "over",
    PageKind.WITHDRAWN: "over",
    PageKind.TEST: "test",
}
_ENDS: Final = {
    PageKind.WITHDRAWN: "Its alarms have left the site file.",
    PageKind.TEST: "This is a test: nothing has happened.",
}


def content(
    page: AlarmPage, board: AlarmBoard, host: str, links: "Links", at: float
) -> dict[str, Any]:
    """Return what a receiver gets (docs/see/alarms.md has the keys).

    Parameters
    ----------
    at : float
        Time of the message [s, Unix time].
    """
    rows = [_told(row, board, links, at) for row in alarm_rows(board, {})]
    by_name = {row["name"]: row for row in rows}
    chosen = [by_name[name] for name in page.alarms if name in by_name]
    severities = {row["name"]: board.entries_by_name[row["name"]].severity for row in chosen}
    # It leads with the first of the worst that are its reason.
    first = max(_leading(chosen, page), key=lambda row: severities[row["name"]], default={})
    chosen.sort(key=lambda row: row is not first)
    severity = max(severities.values(), default=None)
    word = "info"
    if severity is not None:
        word = severity.word
    told = {
        "host": host,
        "kind": str(page.kind),
        "incident": page.incident,
        "severity": word,
        "alarm": first.get("name", next(iter(page.alarms), "")),
        "text": first.get("text", ""),
        "value": first.get("value"),
        "since": first.get("since"),
        "since_at": first.get("since_at"),
        "time": utc(at),
        "at": at,
        "link": first.get("link", links.page),
        "alarms": chosen,
    }
    return {
        **told,
        "title": _title(told, first.get("severity", word), page),
        "message": "\n".join(_lines(chosen, page)),
    }


def _leading(rows: list[dict[str, Any]], page: AlarmPage) -> list[dict[str, Any]]:
    """Return the alarms that a message may lead with: those that are its reason, if raised."""
    news = [row for row in rows if row["name"] in page.news] or rows
    return [row for row in news if row["state"] == "raised"] or news


class Links:
    """Makes links to the page.

    Parameters
    ----------
    page : str
        The address of the page; empty if there is none.
    root : str
        The first part of all addresses of the site.
    """

    def __init__(self, page: str, root: str) -> None:
        self.page = page
        self._root = root

    def of(self, condition: Any, at: float) -> str:
        """Return the link to the plot of a field around a time, or to the instance."""
        if not self.page:
            return ""
        match condition:
            case ValueCondition() | RateCondition():
                instance_id, feed, name = condition.field.split(".")
                words = {
                    "field": f"{self._root}.{instance_id}.feeds.{feed}.{name}",
                    "since": utc(at - _PLOT_BEFORE_S),
                    "until": utc(at + _PLOT_AFTER_S),
                }
            case SilenceCondition():
                words = {"instance": instance_of(condition.source)}
            case _:
                words = {"instance": getattr(condition, "instance_id", "")}
        filled = {key: value for key, value in words.items() if value}
        return f"{self.page}/#{urlencode(filled)}"


def _told(row: Mapping[str, Any], board: AlarmBoard, links: Links, at: float) -> dict[str, Any]:
    """Return the facts of an alarm."""
    since_at = row["since_at"] or row["raised_at"]
    condition = board.entries_by_name[row["name"]].rule.condition
    since = None
    if since_at is not None:
        since = utc(since_at)
    return {
        "name": row["name"],
        "severity": row["severity"],
        "text": row["text"],
        "when": row["when"],
        "state": row["state"],
        "value": row["value"],
        "at": row["seen_at"],
        "since": since,
        "since_at": since_at,
        "acknowledged_by": row["acknowledged_by"],
        "link": links.of(condition, since_at or at),
    }


def _title(told: Mapping[str, Any], severity: str, page: AlarmPage) -> str:
    head = _HEADS.get(page.kind, severity.upper())
    if page.kind is PageKind.WORSE:
        head += f": {severity.upper()}"
    title = f"[{told['host']}] " + ": ".join(filter(None, (head, told["alarm"], told["text"])))
    others = len(page.alarms) - 1
    if others > 0:
        title += f" and {others} more"
    # The text of an alarm may have several lines, which no header takes.
    return one_line(title)


def _lines(rows: list[dict[str, Any]], page: AlarmPage) -> Iterator[str]:
    for row in rows:
        parts = [f"{row['name']} ({row['severity']}): {row['text']}"]
        if row["text"] != row["when"]:
            parts.append(f"  {row['when']}")
        state = str(row["state"])
        if row["value"] is not None:
            state += f", value {row['value']:g}"
        if row["since"] is not None:
            state += f", since {row['since']}"
        if row["acknowledged_by"]:
            state += f", acknowledged by {row['acknowledged_by']}"
        parts.append(f"  {state}")
        if row["link"]:
            parts.append(f"  {row['link']}")
        yield from parts
    end = _ENDS.get(page.kind)
    if end is not None:
        yield end
