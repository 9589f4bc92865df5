"""Which data folder a command means, and what all commands on one have in common."""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import click

from ocsd.cli.arguments import options
from ocsd.cli.screen.moment import PastTime
from ocsd.cli.talk import control, replies
from ocsd.data.folder import DataFolder, permitted
from ocsd.errors import NoDataError, SiteFileError, UnknownHostError, UsageError
from ocsd.system import paths

_HERE = Path("data")
# Up to here nobody wonders whether anything happens.
_QUIET_S = 2.0

since_option = click.option(
    "--since",
    "since_at",
    metavar="AGE|DATE",
    type=PastTime(),
    help="Begin there: an age such as 90m, 12h, 7d, or a date or time in UTC.",
)
until_option = click.option(
    "--until", "until_at", metavar="AGE|DATE", type=PastTime(), help="End before that time."
)


class _Folder(click.Path):
    """A folder with a name: nothing, as of a variable that is not set, would be ``.``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the folder."""
        if not value:
            return self.fail("it has no name", param, ctx)
        return super().convert(value, param, ctx)


def options_of_a_folder(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which folder is meant, and of which times."""
    for decorate in (
        options.json_option,
        options.host_option,
        options.site_file_option,
        click.option(
            "--folder",
            metavar="DIR",
            type=_Folder(file_okay=False, path_type=Path),
            help="Data folder; else that of this host's aggregator, else ./data.",
        ),
        until_option,
        since_option,
    ):
        command = decorate(command)
    return command


class Bar:
    """A progress bar on standard error, if that is a terminal and things take long.

    Parameters
    ----------
    label : str
        What is being done.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._begun_s = time.monotonic()
        self._bar: Any = None
        self._shown = 0

    def __call__(self, done: int, work: int) -> None:
        """Show that `done` of `work` is done."""
        if self._bar is None and sys.stderr.isatty():
            if time.monotonic() - self._begun_s < _QUIET_S:
                return
            self._bar = click.progressbar(length=work, label=self._label, file=sys.stderr)
            self._bar.__enter__()
        if self._bar is not None:
            self._bar.update(done - self._shown)
            self._shown = done

    def __enter__(self) -> "Bar":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.__exit__(kind, error, trace)


def find(folder: Path | None, site_file: str | None, host: str | None) -> Path:
    """Return the data folder that is meant.

    That is the one given, else that of this host's aggregator as the site file
    has it (the one given, else that of the running daemon, else the usual one),
    else ``./data``.

    Raises
    ------
    NoDataError
        If it does not exist; says where was looked.
    SiteFileError, UnknownHostError
        If the site file given cannot be used.
    SeveralDaemonsError
        If daemons of several hosts run and `host` is not given.
    """
    if folder is not None:
        return folder
    looked = []
    configured = _configured(site_file, host)
    for place in (configured, _HERE.absolute()):
        if place is not None:
            with permitted(place):
                if place.is_dir():
                    return place
            looked.append(str(place))
    raise NoDataError(
        f"there is no data folder (looked for {' and '.join(looked)}); say with --folder where "
        "data are"
    )


def _configured(site_file: str | None, host: str | None) -> Path | None:
    if site_file is None:
        daemons = [each for each in control.find_all() if host in {None, each.host}]
        if daemons:
            return _of_daemon(control.find(host).status())
    # pydantic and yaml cost more than reading an index.
    from ocsd.site import data_folder, load

    try:
        entry = load.pick_host(load.load(load.find(site_file)), host)
    except (SiteFileError, UnknownHostError):
        if site_file is None and host is None:
            return None
        raise
    state = paths.of_host(entry.name, entry.log_dir).state
    for instance in entry.instances:
        if instance.agent_class == data_folder.AGGREGATOR_CLASS:
            return data_folder.data_folder(instance.arguments, state)
    return state / "data"


def _of_daemon(status: Mapping[str, Any]) -> Path:
    for row in status.get("instances", ()):
        if row.get("data_dir"):
            return Path(row["data_dir"])
    return replies.journal_path(status).with_name("data")


def folder_of(arguments: dict[str, Any]) -> DataFolder:
    """Return what the options `--folder`, `--site-file` and `--host` mean; take them out."""
    place = find(arguments.pop("folder"), arguments.pop("site_file"), arguments.pop("host"))
    return DataFolder(place)


def refuse_without_files(folder: DataFolder) -> None:
    """See whether a folder has any G3 file, or everything would seem to be well.

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
    """Return the end of a sentence about what there is not, if not all times are meant."""
    return "" if since_at is None and until_at is None else " of that time"


def refuse_empty(since_at: float | None, until_at: float | None) -> None:
    """See whether a time is between two others.

    Raises
    ------
    UsageError
        If `until_at` is not after `since_at`.
    """
    if since_at is not None and until_at is not None and until_at <= since_at:
        raise UsageError("--until is not later than --since, so there is no time between them")
