"""Entries of commands in the audit journal: by the daemon, or by themselves if none runs."""

import os
import pwd
import time
from collections.abc import Mapping
from typing import Any

from ocsd.cli.talk import control
from ocsd.errors import NoDaemonError, OcsdError
from ocsd.system.paths import HostPaths
from ocsd.system.peer import login_of


def record(
    paths: HostPaths,
    action: str,
    target: str,
    parameters: Mapping[str, Any] | None = None,
    kind: str = "access",
) -> str:
    """Write down what a command has done, e.g. made a user, on a host with these paths.

    The kind is ``access``, or ``change`` if it is not about people, keys or certificates.

    Returns
    -------
    str
        Why it was not written down, in words; empty if it was.
    """
    try:
        daemon = control.DaemonClient(paths.host, paths.control_socket)
        daemon.record(action, target, parameters or {}, kind)
    except NoDaemonError:
        return _record_here(paths, action, target, parameters or {}, kind)
    except OcsdError as error:
        return str(error)
    return ""


def _record_here(
    paths: HostPaths, action: str, target: str, parameters: Mapping[str, Any], kind: str
) -> str:
    # Loaded late: they are for writing, and most commands only read.
    from ocsd.audit.entry import AuditEntry
    from ocsd.audit.journal import AuditJournal
    from ocsd.audit.secrets import told

    journal = AuditJournal(paths.audit)
    journal.write(
        AuditEntry(
            time.time(),
            kind,
            action,
            person=_person(),
            address=f"this machine, uid {os.getuid()}, pid {os.getpid()}",
            target=target,
            parameters=told(parameters),
        )
    )
    trouble = journal.trouble
    journal.close()
    return trouble


def _person() -> str:
    """Return the name of this user; behind `sudo` of the one that logged in."""
    uid = os.getuid()
    login = login_of(os.getpid())
    if uid == 0 and login is not None:
        uid = login
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
