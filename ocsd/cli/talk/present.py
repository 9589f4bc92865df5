"""The present status of a daemon, which some commands can also work without."""

import sys
from functools import cache
from typing import Any

from ocsd.cli.talk import control
from ocsd.errors import ForeignDaemonError, OcsdError, SilentDaemonError, TimedOutError

_STATUS_LIMIT_S = 2.0
"""Time after which a command reads the files of a daemon that has not answered [s]."""

_silent: dict[str | None, SilentDaemonError] = {}


def who_is_missing(host: str | None) -> str:
    """Return why there is no answer: no daemon runs, or it does not answer."""
    if host in _silent:
        return "the daemon does not answer"
    return "no daemon runs"


@cache
def raise_if_foreign(host: str | None) -> None:
    """Raise the error of a daemon that is there, but with other folders than this shell's.

    Raises
    ------
    ForeignDaemonError
        If that is why there is no answer.
    """
    try:
        control.find(host)
    except ForeignDaemonError:
        raise
    except OcsdError:
        return


@cache
def status(host: str | None) -> dict[str, Any]:
    """Return the daemon's status of its host; if it does not answer, say so on stderr.

    A command asks once, however many of its parts use the answer.

    Raises
    ------
    SilentDaemonError
        If it does not answer within two seconds.
    NoDaemonError, SeveralDaemonsError, NotPermittedError
        As for `control.find`.
    """
    if host in _silent:
        raise _silent[host]
    daemon = control.find(host)
    try:
        return daemon.status(_STATUS_LIMIT_S)
    except TimedOutError as error:
        print(f"ocsd: {error}; from its files:", file=sys.stderr, flush=True)
        _silent[host] = SilentDaemonError(str(error), daemon.host)
        raise _silent[host] from error
