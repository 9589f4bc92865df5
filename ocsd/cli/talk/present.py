"""What the daemon says now, for commands that can also read its files."""

import sys
from typing import Any

from ocsd.cli.talk import control
from ocsd.errors import SilentDaemonError, TimedOutError

ANSWER_LIMIT_S = 2.0

_silent: dict[str | None, SilentDaemonError] = {}


def who_is_missing(host: str | None) -> str:
    """Return why a daemon has said nothing: because there is none, or because it is silent."""
    return "the daemon does not answer" if host in _silent else "no daemon runs"


def status(host: str | None) -> dict[str, Any]:
    """Return what the daemon says of its host; if it does not answer, say so on stderr.

    Parameters
    ----------
    host : str, optional
        Its host name; not needed where one daemon runs.

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
        return daemon.status(ANSWER_LIMIT_S)
    except TimedOutError as error:
        print(f"ocsd: {error}; from its files:", file=sys.stderr, flush=True)
        _silent[host] = SilentDaemonError(str(error), daemon.host)
        raise _silent[host] from error
