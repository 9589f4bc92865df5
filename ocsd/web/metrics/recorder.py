"""Metrics of the recorder, and of the feeds that it records."""

from collections.abc import Callable, Iterator
from math import isfinite
from typing import Final

from prometheus_client.metrics_core import Metric

from ocsd.status.activity import RecordingStatus
from ocsd.web.metrics.families import counter, gauge
from ocsd.web.metrics.scrape import Scrape

_FEED: Final = ("feed",)
_RECORDER: Final = ("instance_id",)


_FACTS: Final[tuple[tuple[str, str, Callable[[RecordingStatus], float | None]], ...]] = (
    ("recording", "Whether the aggregator records.", lambda each: each.recording),
    ("feeds", "Feeds that it records.", lambda each: each.feeds),
    (
        "stale_feeds",
        "Feeds whose newest sample is older than their fresh time.",
        lambda each: each.stale,
    ),
    ("sample_age_seconds", "Age of the newest sample of any feed.", lambda each: each.age_s),
    (
        "lost_holes",
        "Holes of the last day that can never be filled.",
        lambda each: each.lost_holes,
    ),
    ("lost_messages", "Messages in these holes.", lambda each: each.lost_messages),
)
"""Name, meaning and number of each metric of an aggregator."""


def of_recorders(seen: Scrape) -> Iterator[Metric]:
    """Yield the metrics of aggregators; none if the daemon is away, or there is none."""
    if seen.report is None:
        return
    told = [
        (each.instance_id, each.recording)
        for each in seen.report.instances
        if each.recording is not None
    ]
    for name, text, number in _FACTS:
        rows = [((instance_id,), number(recording)) for instance_id, recording in told]
        yield gauge(f"ocsd_recorder_{name}", text, _RECORDER, rows)


def of_feeds(seen: Scrape) -> Iterator[Metric]:
    """Yield the metrics of feeds, from the journal; the daemon may be away."""
    if seen.feeds is None:
        return
    feeds = sorted(seen.feeds.items())
    yield counter(
        "ocsd_feed_messages",
        "Messages of a feed in the recorder's journal, since the page's process started.",
        _FEED,
        [((address,), tally.messages) for address, tally in feeds],
    )
    yield counter(
        "ocsd_feed_samples",
        "Samples of a feed: each timestamp is one.",
        _FEED,
        [((address,), tally.samples) for address, tally in feeds],
    )
    yield counter(
        "ocsd_feed_values",
        "Values of a feed: each sample has one for each field.",
        _FEED,
        [((address,), tally.values) for address, tally in feeds],
    )
    yield gauge(
        "ocsd_feed_newest_sample_time_seconds",
        "Time of the newest sample of a feed, in seconds since 1970.",
        _FEED,
        [((address,), tally.newest_at) for address, tally in feeds if isfinite(tally.newest_at)],
    )
