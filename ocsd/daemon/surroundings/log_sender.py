"""The process that writes the host's logs as JSON; it begins with the daemon."""

import contextlib
import subprocess
import sys
from typing import Any, Final

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from ocsd.system.paths import HostPaths

CHECK_PERIOD_S: Final = 5.0
LAST_LINES_LIMIT_S: Final = 3.0
"""Time for the last lines to be taken by their reader [s]."""


class LogSender:
    """Keeps `ocsd.log.outward` running; it writes to the standard output of this process.

    Parameters
    ----------
    paths : HostPaths
        The host's folders.
    reactor : Any
        Gives the time.
    """

    log = Logger()

    def __init__(self, paths: HostPaths, reactor: Any) -> None:
        # -P: a module in the working directory must not be taken for a library.
        self._command = [sys.executable, "-P", "-m", "ocsd.log.outward", paths.host]
        self._command += [str(paths.logs), str(paths.sent_logs)]
        self._process = self._start()
        self._has_finished = False
        self._loop = LoopingCall(self._check)
        self._loop.clock = reactor
        self._loop.start(CHECK_PERIOD_S, now=False)

    def finish(self) -> None:
        """Let it write the last lines, then end it; it begins again if the daemon goes on."""
        self._has_finished = True
        self._process.stdin.close()  # type: ignore[union-attr] # it is a pipe
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(LAST_LINES_LIMIT_S)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, stdin=subprocess.PIPE, start_new_session=True)

    def _check(self) -> None:
        code = self._process.poll()
        if code is None:
            return
        if code == 0 and not self._has_finished:
            self.log.warn("nobody reads this daemon's output any more: no logs are written to it")
            self._loop.stop()
            return
        self.log.warn("the process that writes logs as JSON ended ({code}); again", code=code)
        self._process, self._has_finished = self._start(), False
