"""Metrics of instances and their operations."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from prometheus_client.metrics_core import Metric

from ocsd.base import OpCode
from ocsd.status.activity import OperationStatus
from ocsd.status.replies import InstanceStatus
from ocsd.supervisor.health import Health
from ocsd.supervisor.states import State, Target
from ocsd.web.metrics.families import Row, counter, gauge, info, words
from ocsd.web.metrics.scrape import Scrape

_LABEL: Final = ("instance_id",)
_OPERATION: Final = ("instance_id", "operation")

_CODES: Final = {
    "starting": OpCode.STARTING,
    "running": OpCode.RUNNING,
    "degraded": OpCode.DEGRADED,
    "stopping": OpCode.STOPPING,
    "stopped": OpCode.SUCCEEDED,
    "ended": OpCode.SUCCEEDED,
    "done": OpCode.SUCCEEDED,
    "failed": OpCode.FAILED,
}
"""The op code of each state of an operation in the status."""


def of_instances(seen: Scrape) -> Iterator[Metric]:
    """Yield the metrics of instances; none if the daemon is away."""
    if seen.report is None:
        return
    instances = seen.report.instances
    yield from _of_conditions(instances)
    yield counter(
        "ocsd_instance_restarts",
        "Automatic restarts since the daemon started.",
        _LABEL,
        _each(instances, lambda each: each.restarts),
    )
    yield gauge(
        "ocsd_instance_availability_ratio",
        "Part of the last day for which the instance was up when it was wanted.",
        _LABEL,
        _each(instances, lambda each: seen.availability.get(each.instance_id)),
    )
    yield gauge(
        "ocsd_instance_uptime_seconds",
        "Age of the instance's process.",
        _LABEL,
        _each(instances, lambda each: each.uptime_s),
    )
    yield gauge(
        "ocsd_instance_sample_age_seconds",
        "Age of the newest sample that the instance has published.",
        _LABEL,
        _each(instances, lambda each: each.sample_age_s),
    )
    yield from _of_processes(seen, instances)
    yield from _of_operations(instances)


def _of_conditions(instances: Sequence[InstanceStatus]) -> Iterator[Metric]:
    yield info(
        "ocsd_instance",
        "The instances of the host.",
        ("instance_id", "agent_class"),
        [(each.instance_id, each.agent_class) for each in instances],
    )
    yield gauge(
        "ocsd_instance_state",
        "The state of an instance: 1 for the one that it is in.",
        ("instance_id", "state"),
        (row for each in instances for row in words((each.instance_id,), State, each.state)),
    )
    yield gauge(
        "ocsd_instance_wanted",
        "Whether the operator wants the instance to be up.",
        _LABEL,
        _each(instances, lambda each: each.target == Target.UP),
    )
    known = [each for each in instances if each.health is not None]
    yield gauge(
        "ocsd_instance_health",
        "The health of an instance that runs: 1 for the one that it has.",
        ("instance_id", "health"),
        (row for each in known for row in words((each.instance_id,), Health, each.health)),
    )


def _each(
    instances: Sequence[InstanceStatus], number: Callable[[InstanceStatus], float | None]
) -> Iterator[Row]:
    for each in instances:
        yield (each.instance_id,), number(each)


def _of_processes(seen: Scrape, instances: Sequence[InstanceStatus]) -> Iterator[Metric]:
    used = [
        ((each.instance_id,), usage)
        for each in instances
        if each.pid is not None and (usage := seen.usage(each.pid)) is not None
    ]
    yield counter(
        "ocsd_instance_cpu_seconds",
        "Processor time that the instance's process has used.",
        _LABEL,
        [(labels, usage.cpu_s) for labels, usage in used],
    )
    yield gauge(
        "ocsd_instance_resident_memory_bytes",
        "Resident memory of the instance's process; agents share a part of it.",
        _LABEL,
        [(labels, usage.rss_bytes) for labels, usage in used],
    )


def _of_operations(instances: Sequence[InstanceStatus]) -> Iterator[Metric]:
    codes = ", ".join(f"{code} {code.name.lower()}" for code in OpCode)
    yield gauge(
        "ocsd_operation_code",
        f"The op code of an operation, as OCS's registry publishes it: {codes}.",
        _OPERATION,
        _rows(instances, lambda operation: _CODES.get(operation.state, OpCode.NONE)),
    )
    yield gauge(
        "ocsd_operation_missed",
        "Whether it should run, and was stopped or has failed.",
        _OPERATION,
        _rows(instances, lambda operation: operation.is_missed),
    )
    yield gauge(
        "ocsd_operation_state_start_time_seconds",
        "When its state began, in seconds since 1970.",
        _OPERATION,
        _rows(instances, lambda operation: operation.since_at or None),
    )


def _rows(
    instances: Sequence[InstanceStatus], number: Callable[[OperationStatus], float | None]
) -> Iterator[Row]:
    for instance in instances:
        for operation in instance.operations:
            yield (instance.instance_id, operation.name), number(operation)
