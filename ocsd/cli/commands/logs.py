"""`ocsd logs`: the logs of instances, with or without a running daemon."""

import os
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import click

from ocsd.cli.arguments import completion, options
from ocsd.cli.commands import status
from ocsd.cli.logs import log_level, logfile
from ocsd.cli.logs.several_logs import SeveralLogs
from ocsd.cli.screen.moment import PastTime
from ocsd.cli.talk import present
from ocsd.cli.talk.hosts import hosts_of_files
from ocsd.errors import (
    NoDaemonError,
    NoLogError,
    NoSuchInstanceError,
    SeveralDaemonsError,
)
from ocsd.system import paths

_LINES = 100

_POLL_S = 0.1


@click.command(
    epilog=options.examples(
        "ocsd logs fake-data1",
        "ocsd logs -n 1000 fake-data1 | grep -i error",
        "ocsd logs --since 2h fake-data1    # rotated files, too",
        "ocsd logs -f fake-data1 thermo1    # until Ctrl-C; each line begins with a name",
        "ocsd logs ocsd                     # the daemon's own log",
        "ocsd logs --level debug thermo1    # from now on; back: --level usual",
    )
)
@click.argument(
    "names", metavar="NAME...", nargs=-1, required=True, shell_complete=completion.names
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is appended, until Ctrl-C.")
@click.option(
    "-n",
    "--lines",
    metavar="N",
    type=click.IntRange(min=0),
    help=f"Begin with the last N lines of each.  [default: {_LINES}]",
)
@click.option(
    "--since",
    "since_at",
    metavar="AGE|DATE",
    type=PastTime(),
    help="Begin there instead: an age such as 90m, 12h, 7d, or a date or time in UTC.",
)
@click.option(
    "--level",
    type=click.Choice(log_level.LEVEL_CHOICES),
    help="Change how much they log, now and after a restart, too; prints logs only with -f.",
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

    NAME may also be `router`, or `ocsd`, the daemon itself. Lines of several logs are put in
    order of time. Logs can be read when no daemon runs.
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
    _show(places, follow, _LINES if lines is None else lines, since_at)


def _show(places: Mapping[str, Path], follow: bool, lines: int, since_at: float | None) -> None:
    with ExitStack() as opened:
        followers: dict[str, logfile.Follower] = {}
        for name, path in places.items():
            followers[name] = opened.enter_context(logfile.Follower(path, lines, since_at))
            if not follow and not followers[name].exists:
                raise NoLogError(
                    f"'{name}' has written no log yet ({path}); see: ocsd status {name}"
                )
        [*single] = followers.values()
        source = single[0] if len(single) == 1 else SeveralLogs(followers, follow)
        while True:
            for text in source.fresh():
                print(text, end="", flush=True)
            if not follow:
                return
            time.sleep(_POLL_S)


def _log_path(name: str, host: str | None) -> Path:
    if not name or os.sep in name or name.startswith("."):
        raise NoSuchInstanceError(f"'{name}' cannot be the name of an instance")
    try:
        answer = present.status(host)
    except NoDaemonError as error:
        return _kept_log(name, host, error)
    known = {one.get("instance_id"): one.get("log_path") for one in answer.get("instances", ())}
    default = paths.of_host(answer.get("host", "")).instance_log(name)
    if name in known:
        return Path(known[name] or default)
    # The daemon, the router and instances that are listed no more have theirs
    # beside the others'.
    folders = dict.fromkeys(
        [*(Path(path).parent for path in known.values() if path), default.parent]
    )
    for folder in folders:
        if os.path.exists(folder / default.name):
            return folder / default.name
    raise NoSuchInstanceError(status.no_such_instance(name, answer))


def _kept_log(name: str, host: str | None, why: NoDaemonError) -> Path:
    hosts = hosts_of_files(host, why)
    found = [path for one in hosts if os.path.exists(path := paths.of_host(one).instance_log(name))]
    if not found:
        places = ", ".join(str(paths.of_host(one).logs) for one in hosts)
        raise NoDaemonError(f"{why}. There is no log of '{name}' in {places} either") from why
    if len(found) > 1:
        listed = ", ".join(str(path) for path in found)
        raise SeveralDaemonsError(f"several hosts have a log of '{name}' ({listed}); add --host")
    return found[0]
