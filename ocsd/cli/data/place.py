"""The data folder that a command means."""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ocsd.cli.talk import control
from ocsd.data.folder import permitted
from ocsd.errors import (
    NoDaemonError,
    NoDataError,
    NotPermittedError,
    SiteFileError,
    UnknownHostError,
)
from ocsd.status import replies
from ocsd.status.activity import RecordingStatus
from ocsd.system import paths

if TYPE_CHECKING:
    from ocsd.site.model import Host, Instance, Site

_HERE = Path("data")


class DataPlace(NamedTuple):
    """A data folder, and what is known of the aggregator that writes it."""

    path: Path
    note: str = ""
    """The reason why it is this one, if it is not the obvious one."""
    history: Path | None = None
    """The history of the aggregator's host."""
    idle: Callable[[], str] = str
    """Return the reason why nothing is recorded there, and the remedy; empty if there is none."""


class _Configured(NamedTuple):
    """The aggregator's folder by daemon or site file; without one, `why` says where it runs."""

    path: Path | None = None
    former: Path | None = None
    """The folder of an aggregator that may have run on this host before."""
    why: str = ""
    history: Path | None = None
    idle: Callable[[], str] = str


def find(folder: Path | None, site_file: str | None, host: str | None) -> DataPlace:
    """Return the data folder that is meant.

    That is the one given, else that of this host's aggregator (in the site file
    given, else of the running daemon, else in the usual site file), else the one of the last
    time, else ``./data``.

    Raises
    ------
    NoDataError
        If it does not exist; lists the places.
    SiteFileError, UnknownHostError
        If the site file given cannot be used.
    SeveralDaemonsError
        If daemons of several hosts run and `host` is not given.
    """
    if folder is not None:
        return DataPlace(folder)
    configured = _configured(site_file, host)
    if configured.path is not None and _is_folder(configured.path):
        _remember(configured.path)
        return DataPlace(configured.path, "", configured.history, configured.idle)
    why = configured.why
    if configured.path is not None:
        idle = configured.idle()
        why = "; ".join(filter(None, [f"the folder {configured.path} is not there", idle]))
    fallbacks = [_HERE.absolute()]
    if configured.former is not None:
        fallbacks = [configured.former, *fallbacks]
    elif site_file is None and host is None:
        fallbacks = [*_remembered(), *fallbacks]
    for place in fallbacks:
        if _is_folder(place):
            return DataPlace(place, f"{why}; this is {place}", configured.history, configured.idle)
    raise NoDataError(
        f"there is no data folder: {why}, nor is {' or '.join(map(str, fallbacks))}; say with "
        "--folder where data are"
    )


def _configured(site_file: str | None, host: str | None) -> _Configured:
    """Return what daemon and site file say about this host's aggregator."""
    if site_file is None and _runs_here(host):
        status = control.find(host).status()
        history = replies.journal_path(status)
        path = _of_daemon(status)
        if path is not None:
            return _Configured(path, history=history, idle=partial(_idle, status))
        former = history.with_name("data")
        why = "the daemon here runs no aggregator"
        return _Configured(former=former, why=_elsewhere(status) or why, history=history)
    # pydantic and yaml cost more than reading an index.
    from ocsd.site import load

    try:
        site = load.load(load.find(site_file))
        entry = load.pick_host(site, host)
    except (SiteFileError, UnknownHostError):
        if site_file is None and host is None:
            return _Configured(why=_why_no_site(host))
        raise
    return _of_site(site, entry)


def _runs_here(host: str | None) -> bool:
    """Return whether the daemon of a host runs here, or any if no host is given."""
    return any(host in {None, each.host} for each in control.find_all())


def _why_no_site(host: str | None) -> str:
    try:
        control.find(host)
    except NotPermittedError as error:
        return str(error)
    except NoDaemonError:
        pass
    return "no daemon runs here, and no site file was found"


def _of_site(site: "Site", entry: "Host") -> _Configured:
    from ocsd.site import recording

    here = paths.of_host(entry.name, entry.log_dir)
    for instance in entry.instances:
        if instance.agent_class == recording.AGGREGATOR_CLASS:
            path = recording.data_folder(instance.arguments, here.state)
            idle = partial(_idle_text, instance.instance_id, instance.arguments)
            return _Configured(path, history=here.journal, idle=idle)
    owner = recording.site_hosts(site)[0]
    if owner == entry.name or recording.records_itself(site, entry):
        return _Configured(here.state / "data", history=here.journal)
    why = f"the aggregator of this site runs on host '{owner}'"
    return _Configured(former=here.state / "data", why=why, history=here.journal)


def _elsewhere(status: Mapping[str, Any]) -> str:
    """Return which other host of the running daemon's site has the aggregator."""
    from ocsd.site import load, recording

    with contextlib.suppress(SiteFileError, UnknownHostError):
        owner, *_ = recording.site_hosts(load.load(load.find(status.get("site_file"))))
        if owner != status.get("host"):
            return f"the aggregator of this site runs on host '{owner}'"
    return ""


def _of_daemon(status: Mapping[str, Any]) -> Path | None:
    for row in status.get("instances", ()):
        if row.get("data_dir"):
            return Path(row["data_dir"])
    return None


def _idle(status: Mapping[str, Any]) -> str:
    """Return why the aggregator of a running daemon records nothing."""
    for each in replies.host_status(status).instances:
        if each.records and each.state != "up":
            return f"nothing is recorded now: {each.instance_id} is {each.state}"
        if each.records and each.recording:
            return _idle_now(each.instance_id, each.recording)
    return _idle_by_file(status)


def _idle_now(instance_id: str, told: RecordingStatus) -> str:
    if told.paused:
        return told.trouble
    if told.recording:
        return ""
    return f"nothing is recorded now; to record: ocsd call {instance_id} record start"


def _idle_by_file(status: Mapping[str, Any]) -> str:
    from ocsd.site import load, recording

    with contextlib.suppress(SiteFileError, UnknownHostError):
        entry = load.pick_host(load.load(load.find(status.get("site_file"))), status.get("host"))
        for instance in entry.instances:
            if instance.agent_class == recording.AGGREGATOR_CLASS:
                return _idle_text(instance.instance_id, instance.arguments)
    return ""


def _idle_text(instance_id: str, arguments: Sequence[str]) -> str:
    from ocsd.site import recording

    if recording.records_from_the_start(arguments):
        return ""
    return (
        f"{instance_id} is idle until it is asked to record: give it --initial-state record, or "
        f"run: ocsd call {instance_id} record"
    )


def _is_folder(place: Path) -> bool:
    with permitted(place):
        return place.is_dir()


def instance(name: str, site_file: str | None, host: str | None) -> "Instance | None":
    """Return the entry of an instance in the site file; None if there is none.

    That is the site file given, else that of the running daemon, else the usual one.

    Raises
    ------
    SiteFileError
        If the site file given, or that of the daemon, cannot be used.
    SeveralDaemonsError
        If daemons of several hosts run and `host` is not given.
    """
    from ocsd.site import load

    if site_file is None and _runs_here(host):
        site_file = control.find(host).status().get("site_file")
    try:
        site = load.load(load.find(site_file))
    except SiteFileError:
        if site_file is None:
            return None
        raise
    entries = (each for host in site.hosts.values() for each in host.instances)
    return next((each for each in entries if each.instance_id == name), None)


def cache() -> Path:
    """Return the folder for what commands of this user remember."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ocsd"


def _note() -> Path:
    return cache() / "last-data-folder"


def _remember(place: Path) -> None:
    """Write the folder down for a time when neither daemon nor site file tells it."""
    note, text = _note(), f"{place}\n"
    with contextlib.suppress(OSError, ValueError):
        if not note.exists() or note.read_text() != text:
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(text)


def _remembered() -> list[Path]:
    with contextlib.suppress(OSError, ValueError):
        return [Path(_note().read_text().strip())]
    return []
