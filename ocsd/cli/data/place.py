"""The data folder that a command means."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ocsd.cli.talk import control, replies
from ocsd.data.folder import permitted
from ocsd.errors import NoDataError, SiteFileError, UnknownHostError
from ocsd.system import paths

_HERE = Path("data")


def find(folder: Path | None, site_file: str | None, host: str | None) -> Path:
    """Return the data folder that is meant.

    That is the one given, else that of this host's aggregator (in the site file
    given, else of the running daemon, else in the usual site file), else ``./data``.

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
        return folder
    places = [*_configured(site_file, host), _HERE.absolute()]
    for place in places:
        with permitted(place):
            if place.is_dir():
                return place
    raise NoDataError(
        f"there is no data folder (looked for {' and '.join(map(str, places))}); say with "
        "--folder where data are"
    )


def _configured(site_file: str | None, host: str | None) -> list[Path]:
    """Return the data folder of this host's aggregator; nothing if there is no site file."""
    if site_file is None and any(host in {None, each.host} for each in control.find_all()):
        return [_of_daemon(control.find(host).status())]
    # pydantic and yaml cost more than reading an index.
    from ocsd.site import data_folder, load

    try:
        entry = load.pick_host(load.load(load.find(site_file)), host)
    except (SiteFileError, UnknownHostError):
        if site_file is None and host is None:
            return []
        raise
    state = paths.of_host(entry.name, entry.log_dir).state
    for instance in entry.instances:
        if instance.agent_class == data_folder.AGGREGATOR_CLASS:
            return [data_folder.data_folder(instance.arguments, state)]
    return [state / "data"]


def _of_daemon(status: Mapping[str, Any]) -> Path:
    for row in status.get("instances", ()):
        if row.get("data_dir"):
            return Path(row["data_dir"])
    return replies.journal_path(status).with_name("data")
