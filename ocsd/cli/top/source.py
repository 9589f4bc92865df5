"""The daemon behind `ocsd top`: its answers, changes, reasons and logs."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ocsd.cli.talk.control import DaemonClient
from ocsd.log.logfile import Follower
from ocsd.status import changes, replies
from ocsd.status.replies import HostStatus, InstanceStatus
from ocsd.system import paths

_STATUS_LIMIT_S = 2.0
_CHANGE_LIMIT_S = 60.0
_WHY_LIMIT_S = 30.0
_LOG_LINES = 500


class HostSource(Protocol):
    """Answers for the screen. Each method may wait, and is called beside the screen."""

    def status(self) -> HostStatus:
        """Return the present status of the host, or raise an OcsdError."""

    def change(self, verb: str, instance_id: str) -> Iterator[changes.Event]:
        """Bring an instance ``up`` or ``down``, or ``restart`` it; yield what becomes of it."""

    def why(self, instance_id: str) -> str:
        """Return all that explains the state of an instance."""

    def log(self, instance: InstanceStatus) -> Follower:
        """Return the log of an instance, from near its end on."""


@dataclass(frozen=True, slots=True)
class DaemonSource:
    """The source that asks a daemon, and the one that follows it in the same place."""

    daemon: DaemonClient

    def status(self) -> HostStatus:
        """Return the present status of the host.

        Raises
        ------
        OcsdError
            As `DaemonClient.status` does.
        """
        return replies.host_status(self.daemon.status(_STATUS_LIMIT_S))

    def change(self, verb: str, instance_id: str) -> Iterator[changes.Event]:
        """Bring an instance ``up`` or ``down``, or ``restart`` it; yield what becomes of it.

        Raises
        ------
        OcsdError
            As `DaemonClient.change` does.
        """
        for _, event in self.daemon.change(verb, (instance_id,), _CHANGE_LIMIT_S):
            if event is not None:
                yield event

    def why(self, instance_id: str) -> str:
        """Return what `ocsd why` prints.

        It is run as a process: a history of months keeps a processor busy for a second, in which
        the screen would not answer.
        """
        command = [sys.executable, "-P", "-m", "ocsd", "why", "--host", self.daemon.host]
        try:
            done = subprocess.run(
                [*command, "--", instance_id],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, "PYTHONUTF8": "1"},
                timeout=_WHY_LIMIT_S,
                check=False,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            return f"`ocsd why {instance_id}` has not finished within {_WHY_LIMIT_S:g} s"
        return done.stdout.decode("utf-8", "replace")

    def log(self, instance: InstanceStatus) -> Follower:
        """Return the log of an instance, from near its end on.

        Raises
        ------
        NotPermittedError, NoLogError
            If it cannot be read; one that does not exist yet can.
        """
        default = paths.of_host(self.daemon.host).instance_log(instance.instance_id)
        return Follower(Path(instance.log_path or default), _LOG_LINES)
