"""The journals of this machine's hosts, whether their daemons run or not."""

import math
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from ocsd.cli.screen import moment
from ocsd.cli.talk import present
from ocsd.cli.talk.hosts import hosts_of_files
from ocsd.errors import NoDaemonError, NoHistoryError, NotPermittedError, SeveralDaemonsError
from ocsd.history.file import read_history, read_since
from ocsd.history.summary import HistoryEntry
from ocsd.status import replies
from ocsd.system import paths

since_option = moment.since_option(default="7d", show_default=True)


def entries(host: str | None, names: Collection[str]) -> list[HistoryEntry]:
    """Return the entries about some names in the journal of a host, the oldest first.

    Raises
    ------
    NoHistoryError, SeveralDaemonsError, NotPermittedError
        As for `since`.
    """
    path = _path(host)
    with _readable(path):
        return list(read_history(path, names))


def since(host: str | None, from_at: float) -> list[HistoryEntry]:
    """Return the entries of the journal of a host that `ocsd.history.file.read_since` returns.

    Raises
    ------
    NoHistoryError
        If nothing has been recorded, or the history cannot be read.
    SeveralDaemonsError
        If it is not clear which host is meant.
    NotPermittedError
        If this user may not read it.
    """
    path = _path(host)
    with _readable(path):
        return read_since(path, from_at)


def latest(host: str | None) -> list[HistoryEntry]:
    """Return the last state of each name in the journal of a host.

    Raises
    ------
    NoHistoryError, SeveralDaemonsError, NotPermittedError
        As for `since`.
    """
    return since(host, math.inf)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
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
        return replies.journal_path(present.status(host))
    except NoDaemonError as error:
        journals = [paths.of_host(name).journal for name in hosts_of_files(host, error)]
        found = [path for path in journals if path.exists()]
        if not found:
            places = ", ".join(str(path.parent) for path in journals)
            raise NoHistoryError(f"{error}. There is no journal in {places} either") from error
        if len(found) > 1:
            listed = ", ".join(path.parent.name for path in found)
            raise SeveralDaemonsError(
                f"several hosts have a journal ({listed}); add --host"
            ) from error
        return found[0]
