"""Metrics of the host: daemon, router, disks, clock, page."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.metrics_core import Metric

from ocsd.status.replies import HostStatus, RouterStatus
from ocsd.status.verdict import HostWord, verdict_of
from ocsd.status.wrong import wrong_of
from ocsd.web.metrics.families import gauge, info, one, words
from ocsd.web.metrics.scrape import Scrape

_DISK: Final = ("path", "use")


def of_host(seen: Scrape) -> Iterator[Metric]:
    """Yield the metrics of the host; the daemon may be away."""
    yield one("ocsd_daemon_up", "Whether the daemon answers.", float(seen.answers))
    yield one("ocsd_page_viewers", "Windows in which somebody looks at the page.", seen.viewers)
    if seen.report is None:
        return
    yield from _of_daemon(seen.report)
    yield from _of_router(seen.report.router)
    yield from _of_disks(seen.report)
    yield from _of_clock(seen.report)


def _of_daemon(report: HostStatus) -> Iterator[Metric]:
    verdict = verdict_of(report)
    facts = (report.host, report.version, report.access.hub)
    yield info("ocsd_daemon", "The daemon.", ("host", "version", "hub"), [facts])
    yield one(
        "ocsd_daemon_start_time_seconds",
        "When the daemon started, in seconds since 1970.",
        report.since_at,
    )
    yield gauge(
        "ocsd_host_verdict",
        "The verdict of ocsd status: 1 for the one that holds.",
        ("verdict",),
        words((), HostWord, verdict.word),
    )
    wrong = len(list(wrong_of(report, verdict)))
    yield one("ocsd_host_problems", "Lines that ocsd status has about what is wrong.", wrong)


def _of_router(router: RouterStatus) -> Iterator[Metric]:
    yield one(
        "ocsd_router_up", "Whether the site's router works, as this host sees it.", router.works
    )
    yield info("ocsd_router", "The router.", ("state",), [(router.state,)])
    yield one(
        "ocsd_router_uptime_seconds",
        "Age of the router's process; missing if this daemon does not run it.",
        router.uptime_s,
    )


def _of_disks(report: HostStatus) -> Iterator[Metric]:
    disks = [((each.path, ",".join(each.what)), each) for each in report.disks]
    yield gauge(
        "ocsd_disk_size_bytes",
        "Size of a file system that something of the host is on.",
        _DISK,
        [(labels, disk.total_bytes) for labels, disk in disks],
    )
    yield gauge(
        "ocsd_disk_free_bytes",
        "Space on it that a user without privileges may use.",
        _DISK,
        [(labels, disk.free_bytes) for labels, disk in disks],
    )
    yield gauge(
        "ocsd_disk_full_in_seconds",
        "Time until it is full at the present rate; missing if it does not fill.",
        _DISK,
        [(labels, disk.full_in_s) for labels, disk in disks],
    )
    yield gauge(
        "ocsd_disk_warning",
        "Whether ocsd status warns of it.",
        _DISK,
        [(labels, float(bool(disk.warning))) for labels, disk in disks],
    )


def _of_clock(report: HostStatus) -> Iterator[Metric]:
    if report.clock is None:
        return
    yield one(
        "ocsd_clock_synchronized",
        "Whether the program that keeps the machine's clock says that it is right.",
        float(report.clock.synchronised),
    )
    yield one(
        "ocsd_clock_offset_seconds",
        "Offset of the clock, as that program says.",
        report.clock.offset_s,
    )
