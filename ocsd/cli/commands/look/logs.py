"""`ocsd logs`: the logs of instances, with or without a running daemon."""

import os
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import click

from ocsd.cli.arguments import completion, options
from ocsd.cli.commands.look import status
from ocsd.cli.logs import log_level, logfile
from ocsd.cli.logs.several_logs import SeveralLogs
from ocsd.cli.screen.moment import since_option
from ocsd.cli.talk import present
from ocsd.cli.talk.hosts import hosts_of_files
from ocsd.errors import NoDaemonError, NoLogError, NoSuchInstanceError, SeveralDaemonsError
from ocsd.system import paths

_LINES = 100
_FOLLOW_POLL_S = 0.1


@options.command(
    "ocsd logs fake-data1",
    "ocsd logs -n 1000 fake-data1 | grep -i error",
    "ocsd logs --since 2h fake-data1    # rotated files, too",
    "ocsd logs -f fake-data1 thermo1    # until Ctrl-C; each line begins with a name",
    "ocsd logs ocsd                     # the daemon's own log",
    "ocsd logs --level debug thermo1    # from now on; back: --level usual",
)
@click.argument(
    "names", metavar="NAME...", nargs=-1, required=True, shell_complete=completion.names
)
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines, until Ctrl-C.")
@click.option(
    "-n",
    "--lines",
    metavar="N",
    type=click.IntRange(min=0),
    help=f"Begin with the last N lines of each log.  [default: {_LINES}]",
)
@since_option("Begin at this time instead")
@click.option(
    "--level",
    type=click.Choice(log_level.LEVEL_CHOICES),
    help="Change how much they log, also after a restart; prints the logs only with -f.",
)
@options.host_option
def logs(
    names: tuple[str, ...],
    follow: bool,
    lines: int | None,
    since_at: float | None,
    level: str | None,
    host: str | None,
) -> None:
    """Print the end of the logs of instances.

    NAME may also be `router`, or `ocsd`, the daemon itself. Lines of several logs are printed in
    order of time. Logs can also be read while no daemon runs.
    """
    if lines is not None and since_at is not None:
        raise click.UsageError("-n and --since both say where to begin; give one of them")
    places = {name: _log_path(name, host) for name in names}
    if level is not None:
        for name, path in places.items():
            log_level.set_level(name, path, level)
            print(f"{name}: level {level} from now on", file=sys.stderr)
        if not follow:
            return
    if lines is None:
        lines = _LINES
    _show(places, follow, lines, since_at)


def _show(places: Mapping[str, Path], follow: bool, lines: int, since_at: float | None) -> None:
    with ExitStack() as opened:
        followers: dict[str, logfile.Follower] = {}
        for name, path in places.items():
            followers[name] = opened.enter_context(logfile.Follower(path, lines, since_at))
            if not follow and not followers[name].exists:
                raise NoLogError(
                    f"'{name}' has written no log yet ({path}); see: ocsd status {name}"
                )
        source: logfile.Follower | SeveralLogs = SeveralLogs(followers, follow)
        if len(followers) == 1:
            [source] = followers.values()
        while True:
            for text in source.fresh():
                print(text, end="", flush=True)
            if not follow:
                return
            time.sleep(_FOLLOW_POLL_S)


def _log_path(name: str, host: str | None) -> Path:
    if not name or os.sep in name or name.startswith("."):
        raise NoSuchInstanceError(f"'{name}' cannot be the name of an instance")
    try:
        answer = present.status(host)
    except NoDaemonError as error:
        return _kept_log(name, host, error)
    listed = {row.get("instance_id"): row.get("log_path") for row in answer.get("instances", ())}
    default = paths.of_host(answer.get("host", "")).instance_log(name)
    if name in listed:
        return Path(listed[name] or default)
    # The logs of the daemon, the router and instances that left the site file stand
    # beside the others.
    for path in filter(None, (*listed.values(), default)):
        if os.path.exists(beside := Path(path).with_name(default.name)):
            return beside
    raise NoSuchInstanceError(status.no_such_instance(name, answer))


def _kept_log(name: str, host: str | None, why: NoDaemonError) -> Path:
    places = [paths.of_host(each) for each in hosts_of_files(host, why)]
    logs = [path for place in places if os.path.exists(path := place.instance_log(name))]
    if not logs:
        folders = ", ".join(str(place.logs) for place in places)
        raise NoDaemonError(f"{why}. There is no log of '{name}' in {folders} either") from why
    if len(logs) > 1:
        listed = ", ".join(map(str, logs))
        raise SeveralDaemonsError(f"several hosts have a log of '{name}' ({listed}); add --host")
    return logs[0]
