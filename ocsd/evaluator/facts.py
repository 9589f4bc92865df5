"""The daemon's status as the facts that conditions are about."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ocsd.alarms.conditions import DiskFacts, HostFacts
from ocsd.status.activity import DiskStatus
from ocsd.status.replies import HostStatus, InstanceStatus, RouterStatus, host_status

STALE_WORD, LOSING_WORD, RECORDING_WORD = "stale", "losing", "recording"
_ROUTER_NAME: Final = "router"


def facts_of(answer: Mapping[str, Any]) -> HostFacts:
    """Return the facts of an answer to ``GET /v1/status``."""
    status = host_status(answer)
    states = {each.instance_id: _words(each.state, each.health) for each in status.instances}
    return HostFacts(
        states={**states, _ROUTER_NAME: _router(status.router)},
        operations={
            (run.name, each.instance_id): run.state
            for each in status.instances
            for run in each.operations
        },
        recorder=_recorder(status),
        disks=dict(_disks(status.disks)),
    )


def page_of(answer: Mapping[str, Any]) -> str:
    """Return the address of the page; empty if none is served."""
    pages = (each.address for each in host_status(answer).instances if each.is_page)
    return next(pages, "").rstrip("/")


def trouble_of(answer: Mapping[str, Any]) -> str:
    """Return what keeps daemon and recorder from their work; empty if all is well."""
    status = host_status(answer)
    if status.stopping:
        return "the host is being stopped"
    for each in status.instances:
        if each.records and not _is_at_work(each, status.router.works):
            reason = each.reason or "it does not record"
            if each.recording is not None and each.recording.trouble:
                reason = each.recording.trouble
            return f"the recorder {each.instance_id} is {each.state}: {reason}"
    return status.trouble


def _is_at_work(row: InstanceStatus, has_router: bool) -> bool:
    """Return whether a recorder records; it may be degraded, e.g. by a field of another type."""
    fits = row.healthy or (row.health != "hung" and has_router)
    return row.state == "up" and fits and _records(row)


def _records(row: InstanceStatus) -> bool:
    return row.recording is not None and row.recording.recording and not row.recording.trouble


def _words(state: str, health: str | None) -> frozenset[str]:
    return frozenset(filter(None, (state, health)))


def _router(router: RouterStatus) -> frozenset[str]:
    """Return the words of the router; one of another host is up if it is reached."""
    if router.state != "external":
        return _words(router.state, router.health)
    if router.works:
        return frozenset({"up", "ok"})
    return frozenset({"down"})


def _recorder(status: HostStatus) -> frozenset[str] | None:
    rows = [each for each in status.instances if each.records]
    if not rows:
        return None
    return frozenset(word for row in rows for word in _recording_words(row))


def _recording_words(row: InstanceStatus) -> Iterator[str]:
    if row.state == "up" and _records(row):
        yield RECORDING_WORD
    if row.recording is not None:
        if row.recording.lost_messages:
            yield LOSING_WORD
        if row.recording.stale:
            yield STALE_WORD


def _disks(disks: tuple[DiskStatus, ...]) -> Iterator[tuple[str, DiskFacts]]:
    for disk in disks:
        if disk.total_bytes and disk.free_bytes is not None:
            free = 100.0 * disk.free_bytes / disk.total_bytes
            for use in disk.what:
                yield use, DiskFacts(free, disk.full_in_s)
