"""Replaces the process of a command by the daemon, a listener or an agent."""

import os
import signal
import sys
from collections.abc import Mapping
from typing import NoReturn


def become(
    command: list[str], environment: Mapping[str, str] = os.environ, *, handles: bool = True
) -> NoReturn:
    """Execute another program in this process, under the same pid.

    If the program `handles` Ctrl-C and SIGTERM, they wait while its Python starts, until it
    unblocks them.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    if handles:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    os.execve(command[0], command, environment)
