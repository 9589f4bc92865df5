"""Families of samples: all samples of one metric, with their labels."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
)

Row = tuple[Sequence[str], float | None]
"""Values of labels, and the number; None: it is not known, and left out."""


def gauge(name: str, text: str, labels: Sequence[str], rows: Iterable[Row]) -> Metric:
    """Return a metric that goes up and down."""
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, number in rows:
        if number is not None:
            family.add_metric(values, number)
    return family


def counter(name: str, text: str, labels: Sequence[str], rows: Iterable[Row]) -> Metric:
    """Return a metric that only grows, or begins anew; its samples end in ``_total``."""
    family = CounterMetricFamily(name, text, labels=labels)
    for values, number in rows:
        if number is not None:
            family.add_metric(values, number)
    return family


def one(name: str, text: str, number: float | None) -> Metric:
    """Return a gauge without labels."""
    return gauge(name, text, (), [((), number)])


def info(name: str, text: str, labels: Sequence[str], rows: Iterable[Sequence[str]]) -> Metric:
    """Return texts as labels of a metric that is always 1; its samples end in ``_info``."""
    family = InfoMetricFamily(name, text)
    for values in rows:
        family.add_metric([], dict(zip(labels, values, strict=True)))
    return family


def words(values: Sequence[str], kinds: type[StrEnum], present: str | None) -> Iterable[Row]:
    """Yield a sample for each word of a closed set: 1 for the present one, 0 for the others."""
    for word in kinds:
        yield (*values, str(word)), float(word == present)
