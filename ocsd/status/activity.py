"""The activity of instances in the daemon's answer: operations, recordings; and the clock."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

STOPPED: Final = frozenset({"stopped", "ended"})
_OVER: Final = STOPPED | {"failed"}
_IN_FLIGHT: Final = frozenset({"starting", "running", "degraded", "stopping"})


class OperationStatus(NamedTuple):
    """The latest run of an operation."""

    name: str = "?"
    kind: str = "task"
    state: str = "?"
    since_at: float = 0.0
    startup: bool = False
    reason: str = ""

    @property
    def in_flight(self) -> bool:
        """Whether it has not ended."""
        return self.state in _IN_FLIGHT

    @property
    def is_over(self) -> bool:
        """Whether it should or might run and does not: a process, or what starts with the agent."""
        return self.state in _OVER and (self.startup or self.kind == "process")

    @property
    def is_missed(self) -> bool:
        """Whether it is over, although the site file starts it or nobody asked it to end."""
        return self.is_over and (self.startup or self.state == "failed")


class RecordingStatus(NamedTuple):
    """The recording of an aggregator."""

    recording: bool = False
    paused: bool = False
    trouble: str = ""
    feeds: int = 0
    stale: int = 0
    age_s: float | None = None
    """Age of the newest sample [s]; None if none came yet."""
    file: str | None = None
    disk_free_bytes: int | None = None
    disk_total_bytes: int | None = None
    lost_holes: int = 0
    lost_messages: int = 0
    lost_feeds: int = 0
    """The holes of the last day."""
    only_of_host: str | None = None
    """The host whose feeds alone are recorded; None: all that no other aggregator records."""
    elsewhere_feeds: int = 0
    elsewhere_hosts: tuple[str, ...] = ()
    """Feeds that aggregators of other hosts record, and these hosts."""


class WritingStatus(NamedTuple):
    """The writing of what is recorded to a database."""

    database: str = "?"
    """Its address."""
    connected: bool = False
    lag_s: float | None = None
    """Age of the time up to which the database has everything [s]."""
    newest_s: float | None = None
    """Age of the newest entry of the journal that it has [s]."""
    backlog_bytes: int = 0
    lines: int = 0
    refused: int = 0
    not_kept: int = 0
    dropped: int = 0
    """Lines since the start of the writer: written, refused, of these not even set aside; messages
    that were dropped because no journal keeps them.
    """


class DiskStatus(NamedTuple):
    """A file system with something of the host on it."""

    path: str = "?"
    what: tuple[str, ...] = ()
    """Its uses: ``data``, ``state``, ``logs``."""
    total_bytes: int | None = None
    free_bytes: int | None = None
    full_in_s: float | None = None
    """Time until it is full at the present rate [s]; None if it does not fill."""
    warning: str = ""
    """Empty if there is space enough."""


class ClockStatus(NamedTuple):
    """The clock of the machine, as the program that keeps it tells."""

    source: str = "?"
    synchronised: bool = False
    offset_s: float | None = None


class AccessStatus(NamedTuple):
    """The access to the site's router."""

    hub: str = "open"
    """``open``, or ``closed``."""
    warnings: tuple[str, ...] = ()


class NotManaged(NamedTuple):
    """An entry of the site file that the daemon leaves alone."""

    instance_id: str = "?"
    agent_class: str = "?"
    manage: str = ""
    reason: str = ""


def operations(rows: Iterable[Mapping[str, Any]] | None) -> tuple[OperationStatus, ...]:
    """Return the operations of an instance's row."""
    return tuple(OperationStatus(**known(OperationStatus, row)) for row in rows or ())


def recording(row: Mapping[str, Any] | None) -> RecordingStatus | None:
    """Return the recording of an aggregator's row; None if it has told nothing."""
    if row is None:
        return None
    lost = row.get("lost_last_day") or {}
    holes = {f"lost_{key}": lost.get(key, 0) for key in ("holes", "messages", "feeds")}
    there = row.get("elsewhere") or {}
    elsewhere = {"elsewhere_feeds": sum(there.values()), "elsewhere_hosts": tuple(there)}
    return RecordingStatus(**known(RecordingStatus, row), **holes, **elsewhere)


def writing(row: Mapping[str, Any] | None) -> WritingStatus | None:
    """Return the writing of a writer's row; None if it has told nothing."""
    if row is None:
        return None
    return WritingStatus(**known(WritingStatus, row))


def clock(row: Mapping[str, Any] | None) -> ClockStatus | None:
    """Return the clock of an answer; None if nothing is known of it."""
    if row is None:
        return None
    return ClockStatus(**known(ClockStatus, row))


def access(row: Mapping[str, Any] | None) -> AccessStatus:
    """Return the access to the router, of an answer."""
    told = dict(row or {})
    told["warnings"] = tuple(told.get("warnings") or ())
    return AccessStatus(**known(AccessStatus, told))


def disks(rows: Iterable[Mapping[str, Any]] | None) -> tuple[DiskStatus, ...]:
    """Return the file systems of an answer."""
    told = ({**row, "what": tuple(row.get("what") or ())} for row in rows or ())
    return tuple(DiskStatus(**known(DiskStatus, row)) for row in told)


def not_managed(rows: Iterable[Mapping[str, Any]] | None) -> tuple[NotManaged, ...]:
    """Return the entries that the daemon leaves alone."""
    return tuple(NotManaged(**known(NotManaged, row)) for row in rows or ())


def known(kind: Any, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a row that `kind`, a NamedTuple, has fields for."""
    return {name: row[name] for name in kind._fields if name in row}
