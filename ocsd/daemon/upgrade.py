"""`ocsd upgrade`: the daemon becomes the daemon of the installed version.

It executes its successor in its own process, so its pid, its lock, its terminal and its
state in systemd stay. Agents belong to the fork server and do not notice.
"""

import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.python.failure import Failure

import ocsd
from ocsd import __version__
from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.ports import Clock
from ocsd.daemon.lock import DaemonLock
from ocsd.errors import OcsdError, StoppingError, UpgradeError
from ocsd.system.files import written_at

SUCCESSOR_CHECK_LIMIT_S: Final = 30.0
UPGRADE_DELAY_S: Final = 0.1
"""Delay that lets the answer leave before the successor is executed [s]."""

_STOPPING: Final = "this host is being stopped"

Answer: TypeAlias = Callable[[dict[str, Any]], None]
Refuse: TypeAlias = Callable[[OcsdError], None]


@dataclass(eq=False)
class Upgrade:
    """Replaces this daemon."""

    log = Logger()

    fleet: Fleet
    clock: Clock
    lock: DaemonLock
    """Keeps other daemons away, also during the upgrade."""
    record: Callable[[str, str], None]
    """Writes an upgrade, or why there is none, and who asked for it into the history."""
    flush: Callable[[], None]
    """Writes everything in memory to the disk; called last of all."""
    code_at: float = math.inf
    """When the code of this daemon was written to the disk [s, Unix time]."""

    def __post_init__(self) -> None:
        self._begun = False

    def request(self, answer: Answer, refuse: Refuse, by: str) -> None:
        """Begin, because `by` asks for that, and announce it to `answer`.

        If the successor cannot start, `refuse` it.
        """
        if self.fleet.stopping:
            refuse(StoppingError(_STOPPING))
            return
        if self._begun:
            refuse(StoppingError("this host is being upgraded already"))
            return
        self._begun = True

        def begin(checked: Mapping[str, Any]) -> None:
            if self.fleet.stopping:
                raise StoppingError(_STOPPING)
            answer({"event": "upgrading", "from": __version__, "to": checked["version"]})
            self.log.info("upgrading to {version}", version=checked["version"])
            self.record(f"from {__version__} to {checked['version']}", by)
            self.clock.callLater(UPGRADE_DELAY_S, self._replace)

        def failed(failure: Failure) -> None:
            self._begun = False
            error = self._explained(failure)
            self.record(f"refused: {error}", by)
            refuse(error)

        deferToThread(check).addCallback(begin).addErrback(failed)

    def foresee(self, answer: Answer, refuse: Refuse) -> None:
        """Tell `answer` what an upgrade would do; if the successor cannot start, `refuse`."""

        def told(checked: Mapping[str, Any]) -> None:
            is_new = written_at(Path(ocsd.__file__).parent) > self.code_at
            versions = {"from": __version__, "to": checked["version"], "new_code": is_new}
            answer({"event": "would_upgrade", **versions})

        def failed(failure: Failure) -> None:
            refuse(self._explained(failure))

        deferToThread(check).addCallbacks(told, failed)

    def _explained(self, failure: Failure) -> OcsdError:
        if isinstance(failure.value, OcsdError):
            return failure.value
        self.log.failure("the installed version cannot be checked", failure)
        return UpgradeError(f"the installed version cannot be checked: {failure.value}")

    def _replace(self) -> None:
        """Become the successor."""
        environment = {**os.environ, **self.lock.hand_over()}
        held = {signal.SIGINT, signal.SIGTERM}
        try:
            self.flush()
            # Until the successor can handle these signals.
            signal.pthread_sigmask(signal.SIG_BLOCK, held)
            os.execve(sys.executable, command(), environment)
        except Exception:  # noqa: BLE001 - whatever it is, the agents need a daemon
            signal.pthread_sigmask(signal.SIG_UNBLOCK, held)
            self.lock.take_back()
            self._begun = False
            self.log.failure("the upgrade failed, this daemon goes on")


def command(*more: str) -> list[str]:
    """Return the command line that runs a daemon as this one was started."""
    # -P: a module in the working directory must not be taken for a library.
    return [sys.executable, "-P", "-m", "ocsd.daemon", *sys.argv[1:], *more]


def check() -> dict[str, Any]:
    """Return the facts that the installed version reports about itself.

    Raises
    ------
    UpgradeError
        If it could not start.
    """
    try:
        done = subprocess.run(
            command("--check"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=SUCCESSOR_CHECK_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _refused(str(error)) from error
    if done.returncode != 0:
        raise _refused(done.stderr.strip() or f"exit code {done.returncode}")
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return facts


def _refused(why: str) -> UpgradeError:
    return UpgradeError(
        "nothing was changed, because the installed version could not start; "
        f"put that right and try again: {why.removeprefix('ocsd: ')}"
    )
