"""Metrics of the alarms: which are raised, which messages did not arrive, and their judge."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.metrics_core import Metric

from ocsd.web.metrics.families import gauge, one
from ocsd.web.metrics.scrape import Scrape

_LABELS: Final = ("alarm", "severity")


def of_alarms(seen: Scrape) -> Iterator[Metric]:
    """Yield the metrics of the alarms; none if the host has none, or the daemon is away."""
    found = seen.alarms
    if found is None:
        return
    alarms = [((each.name, each.severity), each) for each in found.alarms]
    yield gauge(
        "ocsd_alarm_raised",
        "Whether an alarm is raised.",
        _LABELS,
        [(labels, float(alarm.state == "raised")) for labels, alarm in alarms],
    )
    yield gauge(
        "ocsd_alarm_waiting",
        "Whether it is raised, not silenced, and nobody has acknowledged it.",
        _LABELS,
        [(labels, float(alarm.waits)) for labels, alarm in alarms],
    )
    yield gauge(
        "ocsd_alarm_value",
        "The value that was judged last.",
        _LABELS,
        [(labels, alarm.value) for labels, alarm in alarms],
    )
    states = [each.state for each in found.deliveries]
    yield one(
        "ocsd_alarm_undeliverable_messages",
        "Messages to people that were given up.",
        states.count("undeliverable"),
    )
    yield one(
        "ocsd_alarm_waiting_messages",
        "Messages to people that are not delivered yet.",
        len(states) - states.count("undeliverable"),
    )
    if found.as_of is not None:
        yield one(
            "ocsd_alarm_evaluation_age_seconds",
            "Time since the alarms were judged last.",
            max(0.0, seen.at - found.as_of),
        )
