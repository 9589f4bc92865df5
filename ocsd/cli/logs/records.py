"""The journals of this machine's hosts, with or without a running daemon."""

from collections.abc import Iterator
from pathlib import Path

import click

from ocsd.cli.screen.moment import PastTime
from ocsd.cli.talk import present
from ocsd.cli.talk.hosts import hosts_of_files
from ocsd.errors import NoDaemonError, NoHistoryError, NotPermittedError, SeveralDaemonsError
from ocsd.history.file import read_history
from ocsd.history.summary import HistoryEntry
from ocsd.system import paths


def entries(host: str | None) -> Iterator[HistoryEntry]:
    """Yield what the journal of a host holds, the oldest first.

    Parameters
    ----------
    host : str, optional
        Its host name; not needed where one daemon runs, or ever ran.

    Raises
    ------
    NoHistoryError
        If nothing has been recorded, or what has been cannot be read.
    SeveralDaemonsError
        If it is not clear which host is meant.
    NotPermittedError
        If this user may not read it.
    """
    path = _path(host)
    try:
        yield from read_history(path)
    except PermissionError as error:
        raise NotPermittedError(
            f"this user may not read {path}; use its owner's account, join its group, or use sudo"
        ) from error
    except OSError as error:
        raise NoHistoryError(
            f"the journal {path} cannot be read: {error.strerror}; move aside what is there"
        ) from error


def host_of(host: str | None) -> str:
    """Return the name of the host whose journal `entries` reads."""
    return host or _path(host).parent.name


def _path(host: str | None) -> Path:
    try:
        told = present.status(host)
    except NoDaemonError as error:
        hosts = hosts_of_files(host, error)
        found = [path for one in hosts if (path := paths.of_host(one).journal).exists()]
        if not found:
            places = ", ".join(str(paths.of_host(one).state) for one in hosts)
            raise NoHistoryError(f"{error}. There is no journal in {places} either") from error
        if len(found) > 1:
            listed = ", ".join(str(path.parent.name) for path in found)
            raise SeveralDaemonsError(
                f"several hosts have a journal ({listed}); add --host"
            ) from error
        return found[0]
    return Path(told.get("journal_path") or paths.of_host(told.get("host", "")).journal)


since_option = click.option(
    "--since",
    "since_at",
    metavar="AGE|DATE",
    type=PastTime(),
    default="7d",
    show_default=True,
    help="Begin there: an age such as 90m, 12h, 7d, or a date or time in UTC.",
)
