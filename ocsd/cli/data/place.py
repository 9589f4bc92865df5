"""Which data folder a command means, and what all commands on one have in common."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from ocsd.cli.arguments import options
from ocsd.cli.screen.moment import PastTime
from ocsd.cli.talk import control
from ocsd.data.folder import DataFolder, permitted
from ocsd.errors import NoDataError, SiteFileError, UnknownHostError, UsageError
from ocsd.system import paths

if TYPE_CHECKING:
    from ocsd.site.model import Host

_AGGREGATOR_CLASS = "AggregatorAgent"
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
    # pydantic and yaml cost more than reading an index.
    from ocsd.site import load

    working_dir, state = Path.cwd(), None
    if site_file is None:
        daemons = [each for each in control.find_all() if host is None or each.host == host]
        if daemons:
            status = control.find(host).status()
            site_file, host = status.get("site_file"), str(status["host"])
            working_dir = _working_dir(status.get("pid"))
            state = Path(status["journal_path"]).parent if status.get("journal_path") else None
        given = host is not None and not daemons
    else:
        given = True
    try:
        site = load.load(load.find(site_file))
        entry = load.pick_host(site, host)
    except (SiteFileError, UnknownHostError):
        if given:
            raise
        return None
    return _of_host(entry, working_dir, state)


def _of_host(host: "Host", working_dir: Path, state: Path | None) -> Path:
    for instance in host.instances:
        if instance.agent_class == _AGGREGATOR_CLASS:
            given = _data_dir(instance.arguments)
            if given is not None:
                return working_dir / Path(given).expanduser()
    return (state or paths.of_host(host.name, host.log_dir).state) / "data"


def _data_dir(arguments: Sequence[str]) -> str | None:
    """Return the value of ``--data-dir``; the last counts, as for argparse."""
    found = None
    for number, word in enumerate(arguments):
        option, equals, value = word.partition("=")
        if option == "--data-dir":
            found = value if equals else "".join(arguments[number + 1 : number + 2])
    return found or None


def _working_dir(pid: Any) -> Path:
    """Return the folder of the daemon, to which its aggregator's --data-dir is relative."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except OSError:
        return Path.cwd()  # another user's; most write absolute paths


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
