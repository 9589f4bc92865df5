"""One scrape: from the facts to the text that Prometheus reads."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from ocsd.web.metrics.alarms import of_alarms
from ocsd.web.metrics.host import of_host
from ocsd.web.metrics.instances import of_instances
from ocsd.web.metrics.recorder import of_feeds, of_recorders
from ocsd.web.metrics.scrape import Scrape


@dataclass(frozen=True)
class HostCollector(Collector):
    """Yields the metrics of a host from the facts of one scrape."""

    seen: Scrape

    def collect(self) -> Iterator[Metric]:
        """Yield them (prometheus_client's interface)."""
        yield from of_host(self.seen)
        yield from of_alarms(self.seen)
        yield from of_instances(self.seen)
        yield from of_recorders(self.seen)
        yield from of_feeds(self.seen)


def exposition(seen: Scrape, accept: str = "") -> tuple[str, bytes]:
    """Return media type and text of a scrape.

    Parameters
    ----------
    accept : str
        The header ``Accept``: OpenMetrics for a client that names it, as Prometheus does; else
        Prometheus's own text format.
    """
    encode, kind = choose_encoder(accept)
    return kind, encode(HostCollector(seen))
