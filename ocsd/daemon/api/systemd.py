"""Reports the daemon's state to systemd, if systemd started it (sd_notify(3))."""

import os
from dataclasses import dataclass

from ocsd.daemon.instances.fleet import Fleet
from ocsd.daemon.instances.ports import Clock
from ocsd.reactor.repeating import repeating
from ocsd.supervisor.events import State, Target
from ocsd.system.notify import Delivery, is_supervised, notify

MOST_NAMED = 3
"""The most instances that the status line names for each state; it counts the others."""


@dataclass(eq=False)
class SystemdLink:
    """Reports readiness, a status line that counts the instances, and signs of life.

    The signs of life come from the reactor, so a daemon whose reactor is stuck stops
    sending them. Nothing else withholds them, because another daemon would not mend a fault of
    agents, router or fork server.
    """

    clock: Clock
    fleet: Fleet

    def __post_init__(self) -> None:
        self._sent = ""
        self._stopping = False
        self._beat = repeating(self._live, self.clock)

    def start(self) -> None:
        """Begin to send signs of life, twice in each period that systemd allows."""
        period_us = os.environ.get("WATCHDOG_USEC", "")
        addressee = os.environ.get("WATCHDOG_PID", str(os.getpid()))
        if period_us.isdigit() and int(period_us) > 0 and addressee == str(os.getpid()):
            self._beat.start(int(period_us) / 2e6)

    def ready(self) -> None:
        """Report that everything was started."""
        notify(READY=1)
        self.send_status()

    def send_status(self) -> None:
        """Send the status line if it has changed."""
        if not is_supervised():
            return
        text = summary(self.fleet)
        if self._stopping:
            text = f"stopping, {text}"
        if text != self._sent and notify(STATUS=text) is not Delivery.BUSY:
            self._sent = text

    def stopping(self) -> None:
        """Report that everything is being stopped."""
        self._stopping = True
        notify(STOPPING=1)
        self.send_status()

    def _live(self) -> None:
        notify(WATCHDOG=1)
        # The socket may have been too full for the last one.
        self.send_status()


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
        text += f"; {state}: {', '.join(names[:MOST_NAMED])}"
        if len(names) > MOST_NAMED:
            text += f" and {len(names) - MOST_NAMED} more"
    return text
