"""What the daemon tells systemd, if systemd started it (sd_notify(3))."""

import os
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

from ocsd.daemon.instances.fleet import Fleet
from ocsd.supervisor.events import State, Target
from ocsd.system.notify import Delivery, notify

MOST_NAMED = 3
"""The status line names so many instances that are not as wanted, and counts the others."""


class SystemdLink:
    """Reports readiness, a status line and signs of life.

    The signs of life come from the reactor, so a daemon whose reactor is stuck stops
    sending them. Nothing else withholds them: what is wrong with agents, router or fork
    server is not mended by another daemon.

    Parameters
    ----------
    clock : IReactorTime
        The time.
    fleet : Fleet
        What the status line tells about.
    """

    def __init__(self, clock: IReactorTime, fleet: Fleet) -> None:
        self._fleet = fleet
        self._told = ""
        self._stopping = False
        self._beat: Any = LoopingCall(self._live)
        self._beat.clock = clock

    def start(self) -> None:
        """Begin to send signs of life, twice in each period that systemd allows."""
        period_us = os.environ.get("WATCHDOG_USEC", "")
        for_whom = os.environ.get("WATCHDOG_PID", str(os.getpid()))
        if period_us.isdigit() and int(period_us) > 0 and for_whom == str(os.getpid()):
            self._beat.start(int(period_us) / 2e6)

    def ready(self) -> None:
        """Say that everything was started."""
        notify(READY=1)
        self.tell()

    def tell(self) -> None:
        """Send the status line if it has changed."""
        text = summary(self._fleet)
        if self._stopping:
            text = f"stopping, {text}"
        if text != self._told and notify(STATUS=text) is not Delivery.BUSY:
            self._told = text

    def stopping(self) -> None:
        """Say that everything is being stopped."""
        self._stopping = True
        notify(STOPPING=1)
        self.tell()

    def _live(self) -> None:
        notify(WATCHDOG=1)
        # What was wrong before may have been too much for the socket.
        self.tell()


def summary(fleet: Fleet) -> str:
    """Return how a host does in one line, e.g. ``3 of 4 instances up; backoff: thermo1``."""
    wanted = [keeper for _, keeper in fleet if keeper.life.target is Target.UP]
    amiss: dict[str, list[str]] = {}
    for keeper in wanted:
        if keeper.life.state is not State.UP:
            amiss.setdefault(str(keeper.life.state), []).append(keeper.instance_id)
    up = len(wanted) - sum(map(len, amiss.values()))
    text = f"{up} of {len(wanted)} instances up"
    for state, names in sorted(amiss.items()):
        more = len(names) - MOST_NAMED
        text += f"; {state}: {', '.join(names[:MOST_NAMED])}"
        text += f" and {more} more" if more > 0 else ""
    return text
