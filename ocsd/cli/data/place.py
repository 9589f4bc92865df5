"""The data folder that a command means, and the options that all commands on one have."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from ocsd.cli.arguments import options
from ocsd.cli.screen.moment import PastTime, since_option
from ocsd.cli.talk import control, replies
from ocsd.data.folder import DataFolder, permitted
from ocsd.errors import NoDataError, SiteFileError, UnknownHostError, UsageError
from ocsd.system import paths

_HERE = Path("data")


class _Folder(click.Path):
    """The path of a folder.

    An empty one, as of a shell variable that is not set, is refused: it would mean ``.``.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the folder."""
        if not value:
            return self.fail("it has no name", param, ctx)
        return super().convert(value, param, ctx)


_OPTIONS = (
    options.json_option,
    options.host_option,
    options.site_file_option,
    click.option(
        "--folder",
        metavar="DIR",
        type=_Folder(file_okay=False, path_type=Path),
        help="Data folder; else that of this host's aggregator, else ./data.",
    ),
    click.option(
        "--until", "until_at", metavar="AGE|DATE", type=PastTime(), help="End before that time."
    ),
    since_option(),
)


def options_of_a_folder(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name a folder and a span of time."""
    for decorate in _OPTIONS:
        command = decorate(command)
    return command


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


def folder_of(arguments: dict[str, Any]) -> DataFolder:
    """Take `--folder`, `--site-file` and `--host` out of `arguments`; return their folder."""
    place = find(arguments.pop("folder"), arguments.pop("site_file"), arguments.pop("host"))
    return DataFolder(place)


def refuse_without_files(folder: DataFolder) -> None:
    """Refuse a folder without G3 files, in which everything would seem to be well.

    Raises
    ------
    NoDataError
        If it has none.
    """
    if not folder.files():
        raise NoDataError(
            f"there are no G3 files in {folder.path} (as 17953/1795328225.g3 would be one); say "
            "with --folder where data are"
        )


def when(since_at: float | None, until_at: float | None) -> str:
    """Return the end of a sentence about missing data: nothing if all times are meant."""
    if since_at is None and until_at is None:
        return ""
    return " of that time"


def refuse_empty(since_at: float | None, until_at: float | None) -> None:
    """Refuse a span that has no time in it.

    Raises
    ------
    UsageError
        If `until_at` is not after `since_at`.
    """
    if since_at is not None and until_at is not None and until_at <= since_at:
        raise UsageError("--until is not later than --since, so there is no time between them")
