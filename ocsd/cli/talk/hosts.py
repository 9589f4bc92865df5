"""The hosts whose daemons run, or ran, on this machine."""

import os
import socket

from ocsd.cli.talk import control
from ocsd.errors import NoDaemonError, SilentDaemonError


def hosts_of_files(host: str | None, why: NoDaemonError) -> list[str]:
    """Return the names of hosts whose files may be meant where no daemon tells.

    Parameters
    ----------
    host : str, optional
        The one that is asked for.
    why : NoDaemonError
        Why no daemon tells.
    """
    if host:
        return [host]
    return [why.host] if isinstance(why, SilentDaemonError) else hosts_that_ran()


def hosts_that_ran() -> list[str]:
    """Return the names of hosts whose daemons run, or may have run, on this machine."""
    names = {socket.gethostname(), "localhost"}
    for folder in control.runtime_folders():
        try:
            names.update(os.listdir(folder))
        except OSError:
            continue
    return sorted(names)
