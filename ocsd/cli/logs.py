"""`ocsd logs`: the log of an instance, with or without a running daemon."""

import os
import socket
import time
from pathlib import Path

import click

from ocsd import paths
from ocsd.cli import completion, control, logfile, options, status
from ocsd.errors import NoDaemonError, NoLogError, NoSuchInstanceError, SeveralDaemonsError

_POLL_S = 0.1


@click.command(
    epilog=options.examples(
        "ocsd logs fake-data1",
        "ocsd logs -n 1000 fake-data1 | grep -i error",
        "ocsd logs -f fake-data1            # until Ctrl-C",
        "ocsd logs ocsd                     # the daemon's own log",
    )
)
@click.argument("name", shell_complete=completion.instance_ids)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is appended, until Ctrl-C.")
@click.option(
    "-n",
    "--lines",
    metavar="N",
    type=click.IntRange(min=0),
    default=100,
    show_default=True,
    help="Begin with the last N lines.",
)
@options.host_option
def logs(name: str, follow: bool, lines: int, host: str | None) -> None:
    """Print the end of the log of instance NAME.

    NAME may also be `ocsd`, the daemon itself. The log can be read when no daemon runs.
    """
    path = _log_path(name, host)
    with logfile.Follower(path, lines) as follower:
        if not follow and not follower.found:
            raise NoLogError(f"'{name}' has written no log yet ({path}); see: ocsd status {name}")
        while True:
            for text in follower.fresh():
                print(text, end="", flush=True)
            if not follow:
                return
            time.sleep(_POLL_S)


def _log_path(name: str, host: str | None) -> Path:
    if not name or os.sep in name or name.startswith("."):
        raise NoSuchInstanceError(f"'{name}' cannot be the name of an instance")
    try:
        daemon = control.find(host)
    except NoDaemonError as error:
        return _kept_log(name, host, error)
    answer = daemon.status()
    known = {one.get("instance_id"): one.get("log_path") for one in answer.get("instances", ())}
    default = paths.of_host(daemon.host).instance_log(name)
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
    hosts = [host] if host else hosts_that_ran()
    found = [path for one in hosts if os.path.exists(path := paths.of_host(one).instance_log(name))]
    if not found:
        places = ", ".join(str(paths.of_host(one).logs) for one in hosts)
        raise NoDaemonError(f"{why}. There is no log of '{name}' in {places} either") from why
    if len(found) > 1:
        listed = ", ".join(str(path) for path in found)
        raise SeveralDaemonsError(f"several hosts have a log of '{name}' ({listed}); add --host")
    return found[0]


def hosts_that_ran() -> list[str]:
    """Return the names of hosts whose daemons run, or may have run, on this machine."""
    names = {socket.gethostname(), "localhost"}
    for folder in control.runtime_folders():
        try:
            names.update(os.listdir(folder))
        except OSError:
            continue
    return sorted(names)
