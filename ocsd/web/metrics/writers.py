"""Metrics of the writers to databases."""

from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.metrics_core import Metric

from ocsd.status.activity import WritingStatus
from ocsd.web.metrics.families import counter, gauge
from ocsd.web.metrics.scrape import Scrape

_WRITER: Final = ("instance_id",)

_Facts = tuple[tuple[str, str, Callable[[WritingStatus], float | None]], ...]

_PRESENT: Final[_Facts] = (
    ("connected", "Whether the database took the last batch.", lambda each: each.connected),
    (
        "lag_seconds",
        "Age of the time up to which the database has everything.",
        lambda each: each.lag_s,
    ),
    (
        "newest_age_seconds",
        "Age of the newest entry of the journal that the database has.",
        lambda each: each.newest_s,
    ),
    (
        "backlog_bytes",
        "Part of the journal and of the files that is left to write.",
        lambda each: each.backlog_bytes,
    ),
)
_COUNTED: Final[_Facts] = (
    ("lines", "Lines or rows that were sent, since the writer's start.", lambda each: each.lines),
    ("refused_lines", "Lines or rows that the database refused.", lambda each: each.refused),
    (
        "unkept_lines",
        "Refused lines or rows that could not be set aside.",
        lambda each: each.not_kept,
    ),
    (
        "dropped_messages",
        "Messages that were dropped, because no journal keeps them.",
        lambda each: each.dropped,
    ),
)


def of_writers(seen: Scrape) -> Iterator[Metric]:
    """Yield the metrics of writers; none if the daemon is away, or there is none."""
    if seen.report is None:
        return
    told = [
        ((each.instance_id,), each.writing)
        for each in seen.report.instances
        if each.writing is not None
    ]
    for name, text, number in _PRESENT:
        rows = [(labels, number(writing)) for labels, writing in told]
        yield gauge(f"ocsd_writer_{name}", text, _WRITER, rows)
    for name, text, number in _COUNTED:
        rows = [(labels, number(writing)) for labels, writing in told]
        yield counter(f"ocsd_writer_{name}", text, _WRITER, rows)
