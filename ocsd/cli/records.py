"""The journals of this machine's hosts, with or without a running daemon."""

import calendar
import time
from collections.abc import Iterator
from pathlib import Path

import click

from ocsd import journal, paths
from ocsd.cli import control
from ocsd.cli.logs import hosts_that_ran
from ocsd.errors import NoDaemonError, NoJournalError, NotPermittedError, SeveralDaemonsError
from ocsd.supervisor.history import Entry

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_FORMS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d")


def entries(host: str | None) -> Iterator[Entry]:
    """Yield what the journal of a host holds, the oldest first.

    Parameters
    ----------
    host : str, optional
        Its host name; not needed where one daemon runs, or ever ran.

    Raises
    ------
    NoJournalError
        If nothing has been recorded.
    SeveralDaemonsError
        If it is not clear which host is meant.
    NotPermittedError
        If this user may not read it.
    """
    path = _path(host)
    try:
        yield from journal.read(path)
    except PermissionError as error:
        raise NotPermittedError(
            f"this user may not read {path}; use its owner's account, join its group, or use sudo"
        ) from error


def _path(host: str | None) -> Path:
    try:
        daemon = control.find(host)
    except NoDaemonError as error:
        hosts = [host] if host else hosts_that_ran()
        found = [path for one in hosts if (path := paths.of_host(one).journal).exists()]
        if not found:
            places = ", ".join(str(paths.of_host(one).state) for one in hosts)
            raise NoJournalError(f"{error}. There is no journal in {places} either") from error
        if len(found) > 1:
            listed = ", ".join(str(path.parent.name) for path in found)
            raise SeveralDaemonsError(
                f"several hosts have a journal ({listed}); add --host"
            ) from error
        return found[0]
    return Path(daemon.status().get("journal_path") or paths.of_host(daemon.host).journal)


class Moment(click.ParamType[float]):
    """A time in the past: an age such as ``90m``, or a date in UTC."""

    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the Unix time [s]."""
        text = str(value)
        if text[:-1].replace(".", "", 1).isdigit() and text[-1] in _UNITS_S:
            return time.time() - float(text[:-1]) * _UNITS_S[text[-1]]
        for form in _FORMS:
            try:
                return float(calendar.timegm(time.strptime(text, form)))
            except ValueError:
                continue
        return self.fail(
            f"{text!r} is neither an age such as 90m or 7d nor a date such as 2026-11-22"
        )


since_option = click.option(
    "--since",
    "since_at",
    metavar="AGE|DATE",
    type=Moment(),
    default="7d",
    show_default=True,
    help="Begin there: an age such as 90m, 12h, 7d, or a date or time in UTC.",
)
