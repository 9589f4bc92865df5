"""What the daemon tells systemd, if systemd started it (sd_notify(3))."""

import os
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from ocsd.notify import notify


class SystemdLink:
    """Reports readiness, a status line and signs of life.

    The signs of life come from the reactor, so a daemon whose reactor is stuck
    stops sending them.

    Parameters
    ----------
    clock : IReactorTime
        The time.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._beat: Any = LoopingCall(notify, WATCHDOG=1)
        self._beat.clock = clock

    def start(self) -> None:
        """Begin to send signs of life, twice in each period that systemd allows."""
        period_us = os.environ.get("WATCHDOG_USEC", "")
        if period_us.isdigit() and int(period_us) > 0:
            self._beat.start(int(period_us) / 2e6)

    def ready(self, text: str) -> None:
        """Say that everything was started."""
        notify(READY=1, STATUS=text)

    def stopping(self) -> None:
        """Say that everything is being stopped."""
        notify(STOPPING=1, STATUS="stopping agents")
